/** What was done is done once and answered again, whatever became since of what the command was about. */
import { expect } from 'chai';
import { ulid } from 'ulid';
import { RawJson } from '../../src/chat/feature.ts';
import { userStream } from '../../src/keys.ts';
import { AccountsNode, codeOf, contextOf, PASSWORD } from '../support/accounts.ts';
import type { Json, LoggedIn } from '../support/accounts.ts';
import { drawing, useFolder } from '../support/uploading.ts';
import { useWorld } from '../support/world.ts';

const HOUR_MS = 3_600_000;

describe('a repeat under its id', () => {
  const world = useWorld();
  const folder = useFolder();
  let node: AccountsNode;
  let ann: LoggedIn;
  let ben: LoggedIn;
  let cid: LoggedIn;
  let there: { conversation_id: string };
  beforeEach(async () => {
    node = new AccountsNode(world.log, { DATA_DIR: folder.path });
    [ann, ben, cid] = [await node.register('ann'), await node.register('ben'), await node.register('cid')];
    const made = await run(ann, 'conversation.create', { type: 'group', participant_ids: [ben.user.id] });
    there = { conversation_id: String(made.body['id']) };
  });

  async function run(by: LoggedIn, type: string, data: Json, more: { requestId?: string; now?: number } = {}) {
    const { body, eventId } = await node.run(type, data, { ...(await node.asCaller(by)), ...more });
    const json = (body instanceof RawJson ? JSON.parse(body.json.toString()) : (body ?? {})) as Json;
    return { body: json, eventId };
  }

  /** Once, and two hours later again. Answers both bodies. */
  async function twice(
    by: LoggedIn,
    [type, data]: readonly [string, Json],
    meanwhile: (first: Json) => Promise<unknown>,
  ): Promise<[Json, Json]> {
    const requestId = ulid();
    const first = await run(by, type, data, { requestId });
    await meanwhile(first.body);
    const again = await run(by, type, data, { requestId, now: Date.now() + 2 * HOUR_MS });
    expect(again.eventId, type).to.equal(first.eventId);
    return [first.body, again.body];
  }

  const inAnHour = () => new Date(Date.now() + HOUR_MS).toISOString();
  const end = (whom: LoggedIn) => run(whom, 'user.delete', { password: PASSWORD });
  const leave = () => run(ben, 'conversation.leave', there);
  const idsOf = (bodies: readonly Json[]) => bodies.map(({ id }) => id);

  it('is not refused because a user is gone whom it was about', async () => {
    const ban = { ...there, user_id: cid.user.id, until: inAnHour(), reason: 'loud' };
    const [banned, again] = await twice(ann, ['ban.add', ban], () =>
      run(ann, 'ban.remove', { ...there, user_id: cid.user.id }),
    );
    expect(again).to.deep.equal(banned);
    const dan = await node.register('dan');
    const group = { type: 'group', participant_ids: [dan.user.id] };
    const groups = await twice(ann, ['conversation.create', group], async () => {
      const user_ids = [dan.user.id];
      await twice(ann, ['participant.add', { ...there, user_ids }], async () => {
        await twice(ann, ['block.add', { user_id: dan.user.id }], () => end(dan));
      });
    });
    expect(groups[1]['id']).to.equal(groups[0]['id']);
  });

  it('is not refused because a time has come, or its user has left', async () => {
    const { body: message } = await run(ann, 'message.send', { ...there, content: 'hello' });
    const poll = { ...there, question: 'which?', options: ['this', 'that'], closes_at: inAnHour() };
    const polls = idsOf(await twice(ben, ['poll.create', poll], async () => {}));
    expect(polls[1]).to.equal(polls[0]);
    await twice(ben, ['presence.set', { status: 'busy', status_text: 'x', status_until: inAnHour() }], async () => {});
    const remind = { ...there, message_id: message['id'], remind_at: inAnHour() };
    const plan = { ...there, content: 'later', send_at: inAnHour() };
    const hook = { ...there, url: 'https://example.com/x', events: ['message.sent'] };
    const draft = { ...there, content: 'I have' };
    const back = () => run(ann, 'participant.add', { ...there, user_ids: [ben.user.id] });
    for (const [type, data] of [
      ['reminder.create', remind],
      ['scheduled.create', plan],
      ['webhook.create', hook],
      ['draft.save', draft],
      ['draft.delete', there],
    ] as const) {
      const [first, again] = await twice(ben, [type, data], leave);
      expect(again, type).to.deep.equal(first);
      await back();
    }
  });

  it('of a change to what was planned is answered when the message is out', async () => {
    const stream = userStream(ben.user.id);
    const { body: plan } = await run(ben, 'scheduled.create', { ...there, content: 'later', send_at: inAnHour() });
    const scheduled_id = String(plan['id']);
    const asked = ['scheduled.change', { scheduled_id, content: 'soon', send_at: inAnHour() }] as const;
    const [first, again] = await twice(ben, asked, async () => {
      await run(ben, 'message.send', { ...there, id: scheduled_id, content: 'soon' });
      const args = { scheduled_id, code: '', notification: '', data: '' };
      await world.log.append({ script: 'scheduled.end', stream, actorId: ben.user.id, args });
    });
    expect(again).to.deep.equal(first);
    expect(await codeOf(run(ben, ...asked, { requestId: ulid() })), 'asked for anew').to.equal('not_found');
  });

  it('of an edit is answered when the message is gone', async () => {
    const address = `data:image/png;base64,${(await drawing()).toString('base64')}`;
    const context = contextOf(await node.asCaller(ben));
    const file = await node.chat.attachments.fromText(context, { messageId: ulid(), kind: 'image', address });
    const { body } = await run(ben, 'message.send', { ...there, content: 'see', attachments: [file] });
    const message = { ...there, message_id: body['id'] };
    const requestId = ulid();
    const edit = () => run(ben, 'message.edit', { ...message, content: '' }, { requestId });
    const { eventId } = await edit();
    await run(ben, 'message.delete', message);
    expect((await edit()).eventId).to.equal(eventId);
  });

  it('of making a hook neither ends the hook nor brings it back in', async () => {
    await run(ann, 'participant.change_role', { ...there, user_id: ben.user.id, role: 'admin' });
    const hook = { ...there, name: 'builds' };
    const [first, again] = await twice(ben, ['hook.create', hook], async () => {
      await run(ann, 'conversation.update', { ...there, is_archived: true });
      await leave();
    });
    expect(again).to.deep.equal(first);
    await run(ann, 'conversation.update', { ...there, is_archived: false });
    const token = String(first['url']).split('/').at(-1)!;
    expect((await node.run('hook.post', { token, content: 'green' })).body).to.be.an('object');
  });

  it('of something else is a conflict, and what was never done is refused as ever', async () => {
    const requestId = ulid();
    await run(ben, 'block.add', { user_id: cid.user.id }, { requestId });
    const late = { ...there, content: 'later', send_at: new Date(Date.now() - HOUR_MS).toISOString() };
    expect(await codeOf(run(ben, 'scheduled.create', late, { requestId }))).to.equal('conflict');
    expect(await codeOf(run(ben, 'scheduled.create', late, { requestId: ulid() }))).to.equal('validation_failed');
  });
});
