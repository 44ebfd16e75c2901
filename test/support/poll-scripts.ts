/** Polls of a room, by the very scripts that a node would run. */
import { voteText } from '../../src/chat/polls/guard.ts';
import type { Append, Appended } from '../../src/log/log.ts';
import { message, user } from './rooms.ts';
import type { Room } from './rooms.ts';

type More = Partial<Append>;

export class Polls {
  private readonly room: Room;

  constructor(room: Room) {
    this.room = room;
  }

  /** With as many options as asked for. */
  ask(
    actor: number,
    n: number,
    { count = 3, multiple = false, endsAt }: { count?: number; multiple?: boolean; endsAt?: number } = {},
    more: More = {},
  ): Promise<Appended> {
    const [poll_id, question] = [message(n), `question ${n}`];
    const options = Array.from({ length: count }, (_, i) => `option ${i}`);
    const closes_at = endsAt === undefined ? null : new Date(endsAt).toISOString();
    const rest = { reply_to: null, attachments: [], mentions: [], mentions_all: false, metadata: {} };
    const args = {
      message_id: poll_id,
      ends: String(endsAt ?? '-'),
      count: String(count),
      kind: multiple ? 'multiple' : 'single',
      rules: '',
      broken: '',
      message: JSON.stringify({ message_id: poll_id, content: question, message_type: 'poll', ...rest }),
      data: JSON.stringify({ poll_id, question, options, multiple, closes_at }),
    };
    return this.room.run('poll.create', actor, args, more);
  }

  vote(actor: number, n: number, options: readonly number[], more: More = {}): Promise<Appended> {
    return this.room.run('poll.vote', actor, { message_id: message(n), options: voteText(options) }, more);
  }

  close(actor: number, n: number): Promise<Appended> {
    const args = { message_id: message(n), timer: `${this.room.stream.id}.${message(n)}.` };
    return this.room.run('poll.close', actor, args);
  }

  /** As its timer does. */
  end(maker: number, n: number): Promise<Appended> {
    const timer = `${this.room.stream.id}.${message(n)}.${user(maker)}`;
    return this.room.run('poll.end', maker, { message_id: message(n), timer }, { knowsRepeats: true });
  }
}
