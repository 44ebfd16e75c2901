"""A bot that answers: /echo WORDS, /count. Run it with URL and API_KEY, as POST /api/v1/bots answers it, in the environment."""
import os

from rill import Rill

URL = os.environ.get("URL", "http://localhost:8000")
bot = Rill(URL, os.environ["API_KEY"], outbox=os.environ.get("OUTBOX"), device_id="bot")
heard = 0


def answer(event):
    global heard
    words = event["data"]["content"]
    if event["actor_id"] == bot.user_id:
        return
    heard += 1
    if words.startswith("/echo "):
        bot.send(event["conversation_id"], words[6:], reply_to=event["data"]["message_id"])
    elif words == "/count":
        bot.send(event["conversation_id"], f"I have heard {heard} messages")


bot.on("message.sent", answer)
bot.on("refused", lambda refused: print("refused:", refused["code"], flush=True))
bot.on("state", lambda state: print(state, flush=True))
bot.run()
