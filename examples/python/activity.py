"""Who is active: daily active users and messages per hour, in SQLite, for ever up to date. Python 3.9 or newer, nothing else.

    URL=http://localhost:8000 TOKEN=... python3 activity.py activity.db

TOKEN is an admin's access token (`npm run chat -- admin grant NAME`). The database holds one row for each message and where to go on;
`messages_per_hour` and `daily_active_users` are views of it. Each line may come twice, after a connection was lost: its stream and seq name
it, so it is one row all the same.
"""
import json
import os
import sqlite3
import sys
import time
import urllib.error
import urllib.parse
import urllib.request

URL = os.environ.get("URL", "http://localhost:8000")
SCHEMA = """
CREATE TABLE IF NOT EXISTS messages (conversation TEXT, seq INTEGER, at TEXT, sender TEXT, PRIMARY KEY (conversation, seq));
CREATE TABLE IF NOT EXISTS place (cursor TEXT);
CREATE VIEW IF NOT EXISTS messages_per_hour AS SELECT substr(at, 1, 13) AS hour, count(*) AS messages FROM messages GROUP BY 1;
CREATE VIEW IF NOT EXISTS daily_active_users AS
  SELECT substr(at, 1, 10) AS day, count(DISTINCT sender) AS users FROM messages GROUP BY 1;
"""


def lines(cursor):
    """Every line after a cursor; ends when the connection does. One comes every 15 seconds at least."""
    asked = {"types": "message.sent", **({"after": cursor} if cursor else {})}
    address = f"{URL}/api/v1/admin/events?{urllib.parse.urlencode(asked)}"
    request = urllib.request.Request(address, headers={"Authorization": "Bearer " + os.environ["TOKEN"]})
    with urllib.request.urlopen(request, timeout=60) as answer:
        for line in answer:
            yield json.loads(line)


def keep(database, line):
    with database:
        if line["type"] == "message.sent":
            row = (line["conversation_id"], line["seq"], line["at"], line["actor_id"])
            database.execute("INSERT OR IGNORE INTO messages VALUES (?, ?, ?, ?)", row)
        database.execute("DELETE FROM place")
        database.execute("INSERT INTO place VALUES (?)", (line["cursor"],))


def main(path):
    database = sqlite3.connect(path)
    database.executescript(SCHEMA)
    while True:
        place = database.execute("SELECT cursor FROM place").fetchone()
        try:
            for line in lines(place and place[0]):
                keep(database, line)
        except urllib.error.HTTPError as error:
            if error.code in (400, 401, 403):
                sys.exit(f"{error.code}: {error.read().decode()}")
        except (OSError, ValueError):
            pass  # cut off, perhaps within a line: what came whole is kept
        time.sleep(1)


main(sys.argv[1])
