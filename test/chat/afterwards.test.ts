/** Redis goes away between what a command appends and what comes after it: a read for its answer, a write in another slot. */
import { expect } from 'chai';
import sinon from 'sinon';
import { ulid } from 'ulid';
import { RawJson } from '../../src/chat/feature.ts';
import { fail } from '../../src/errors.ts';
import { userStream } from '../../src/keys.ts';
import type { Log } from '../../src/log/log.ts';
import { AccountsNode, codeOf, contextOf } from '../support/accounts.ts';
import type { Json } from '../support/accounts.ts';
import { drawing, useFolder } from '../support/uploading.ts';
import { useWorld } from '../support/world.ts';

describe('after what a command has appended', () => {
  const world = useWorld();
  const folder = useFolder();
  let node: AccountsNode;
  beforeEach(() => {
    node = new AccountsNode(world.log);
  });
  afterEach(() => sinon.restore());

  /** There is no Redis from the first append on. Tells whether there was one. */
  function awayAfterAppend(): () => boolean {
    const { commands } = world.log.connection;
    const send = commands.sendCommand.bind(commands);
    const append = world.log.append.bind(world.log);
    let isAway = false;
    sinon.stub(world.log, 'append').callsFake(async (asked) => {
      const appended = await append(asked);
      isAway = true;
      return appended;
    });
    sinon.stub(commands, 'sendCommand').callsFake((command, ...rest) => {
      if (!isAway) return send(command, ...rest);
      command.reject(fail('unavailable', 'its server is gone'));
      return command.promise;
    });
    return () => isAway;
  }

  it('no command says that nothing was done', async () => {
    const [ann, ben, cid] = [await node.register('ann'), await node.register('ben'), await node.register('cid')];
    const [as, asCid] = [await node.asCaller(ann), await node.asCaller(cid)];
    const made = async (type: string, data: Json) => {
      const { body } = await node.run(type, data, as);
      return (body instanceof RawJson ? JSON.parse(body.json.toString()) : body) as { id: string; code: string };
    };
    const participant_ids = [ben.user.id];
    const { id: conversation_id } = await made('conversation.create', { type: 'channel', name: 'x', participant_ids });
    const said = await made('message.send', { conversation_id, content: 'hello' });
    const { code } = await made('invite.create', { conversation_id });
    const poll = await made('poll.create', { conversation_id, question: 'which?', options: ['this', 'that'] });
    const [there, message] = [{ conversation_id }, { conversation_id, message_id: said.id }];
    const asked: [string, Json, Awaited<ReturnType<AccountsNode['asCaller']>>?][] = [
      ['conversation.create', { type: 'group' }],
      ['conversation.direct', { user_id: cid.user.id }],
      ['conversation.update', { ...there, name: 'y' }],
      ['conversation.change_settings', { ...there, pinned: true }],
      ['conversation.join', there, asCid],
      ['conversation.leave', there, asCid],
      ['invite.accept', { code }, asCid],
      ['participant.change_role', { ...there, user_id: ben.user.id, role: 'admin' }],
      ['participant.add', { ...there, user_ids: [cid.user.id] }],
      ['message.edit', { ...message, content: 'hi' }],
      ['reaction.add', { ...message, emoji: '👍' }],
      ['reaction.remove', { ...message, emoji: '👍' }],
      ['message.pin', message],
      ['message.unpin', message],
      ['poll.vote', { ...there, poll_id: poll.id, options: [0] }],
      ['poll.close', { ...there, poll_id: poll.id }],
      ['poll.create', { ...there, question: 'when?', options: ['now', 'then'] }],
      ['message.delete', message],
      ['ban.add', { ...there, user_id: cid.user.id }],
      ['block.add', { user_id: ben.user.id }],
      ['presence.set', { status: 'busy' }],
      ['user.update', { display_name: 'Ann' }],
      ['bot.create', { username: 'a-bot' }],
      ['hook.create', { ...there, name: 'a hook' }],
    ];
    for (const [type, data, by = as] of asked) {
      const hasAppended = awayAfterAppend();
      const code = await codeOf(node.run(type, data, { ...by, requestId: ulid() }));
      sinon.restore();
      expect([hasAppended(), code], type).to.deep.equal([true, 'unknown_outcome']);
    }
  });

  it('none leaves in doubt what was not appended, and none answers less than it knows', async () => {
    const ann = await node.register('ann');
    const as = await node.asCaller(ann);
    sinon.stub(world.log, 'append').rejects(fail('unavailable', 'its server is gone'));
    expect(await codeOf(node.run('user.update', { display_name: 'Ann' }, as))).to.equal('unavailable');
    sinon.restore();
    for (const [type, data] of [
      ['session.start', { username: 'ann', password: 'correct horse battery' }],
      ['user.register', { username: 'ben', password: 'correct horse battery' }],
    ] as const) {
      const hasAppended = awayAfterAppend();
      const code = await codeOf(node.run(type, data));
      sinon.restore();
      expect([hasAppended(), code], type).to.deep.equal([true, 'ok']);
    }
  });

  it('a picture that stands in a message stays where its repeat cannot be answered', async () => {
    const own = new AccountsNode(world.log, { DATA_DIR: folder.path });
    const context = contextOf(await own.asCaller(await own.register('ann')));
    const address = `data:image/png;base64,${(await drawing()).toString('base64')}`;
    const again = () => own.chat.attachments.fromText(context, { messageId, kind: 'image', address });
    const messageId = ulid();
    await again();
    const files = await folder.files();
    expect(files).not.to.deep.equal([]);
    sinon.stub(world.log, 'readOne').rejects(fail('unavailable', 'its server is gone'));
    expect(await codeOf(again())).to.equal('unavailable');
    expect(await folder.files()).to.deep.equal(files);
  });

  it("others' lists of conversations take no answer away, and the own one leaves it in doubt", async () => {
    const [ann, ben] = [await node.register('ann'), await node.register('ben')];
    const plan = { type: 'group', participant_ids: [ben.user.id] };
    const start = async (withoutListOf: string) => {
      const append = sinon.stub(world.log, 'append').callThrough();
      append
        .withArgs(sinon.match({ script: 'inbox.update', stream: userStream(withoutListOf) } as Partial<Log>))
        .rejects(fail('unavailable', 'its server is gone'));
      const code = await codeOf(node.run('conversation.create', plan, await node.asCaller(ann)));
      sinon.restore();
      return code;
    };
    expect(await start(ben.user.id)).to.equal('ok');
    expect(await node.chat.memberships.of(ann.user.id)).to.have.length(1);
    expect(await start(ann.user.id)).to.equal('unknown_outcome');
  });
});
