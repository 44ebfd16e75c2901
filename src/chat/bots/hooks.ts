/**
 * Incoming hooks: an address to which any program can post a message into one conversation. Behind it is a bot that is in there and
 * whose key stands in the address, so whoever may bring people in may make one, and it ends as a bot does.
 */
import { ChatError, fail, isRefusal } from '../../errors.ts';
import { conversationStream, userStream } from '../../keys.ts';
import { memberStanding } from '../access.ts';
import { derivedId } from '../derived-id.ts';
import { command } from '../feature.ts';
import type { Command, Deps } from '../feature.ts';
import { MessageAnswer } from '../messages/contract.ts';
import { unlessDone } from '../repeats.ts';
import { CreateHook, HookAnswer, PostToHook } from './contract.ts';
import { makeBot } from './owning.ts';

export function hookCommands(deps: Deps): Command[] {
  const { log, identity, perform, botAccounts } = deps;

  /** Asked beforehand, so that no bot is made in vain; the script that brings it in decides. */
  async function checkMayAdd(userId: string, id: string): Promise<void> {
    const { kind, member } = await memberStanding(log, userId, id);
    const [head] = await log.heads([conversationStream(id)], ['policy']);
    const [add] = (head?.policy ?? '').split(' ');
    if (kind === 'direct' || (add === 'admins' && member.role === 'member'))
      throw fail('forbidden', 'Only who may bring people in may make a hook');
  }

  const create = command({
    type: 'hook.create',
    about: 'Makes an address to which a program can post messages into the conversation, as a bot of that name',
    data: CreateHook,
    answer: HookAnswer,
    route: { method: 'POST', path: '/conversations/{conversation_id}/hooks', status: 201 },
    socket: false,
    peopleOnly: true,
    async run(context, wanted) {
      const { conversation_id, name } = wanted;
      const { caller, requestId, newId } = context;
      const stream = userStream(caller.userId);
      await unlessDone({ log, context, stream }, () => checkMayAdd(caller.userId, conversation_id));
      await deps.rules.checkNames({ name });
      const id = derivedId('hook', caller.userId, requestId ?? newId());
      const username = `hook-${id.slice(-12).toLowerCase()}`;
      const bot = { id, username, display_name: name, scope: [conversation_id] };
      const key = await makeBot(deps, context, bot, wanted);
      try {
        const added = { conversation_id, user_ids: [id] };
        // Under an id of its own: a repeat that is refused would end the hook that works.
        await perform('participant.add', { ...context, requestId: id }, added);
      } catch (error) {
        if (isRefusal(error)) await botAccounts.end(id, context);
        throw error;
      }
      return { body: { id, conversation_id, name, url: `/api/v1/hooks/${key}` } };
    },
  });

  const post = command({
    type: 'hook.post',
    about: 'Posts a message through a hook; repeatable by an Idempotency-Key as any other write',
    data: PostToHook,
    answer: MessageAnswer,
    route: { method: 'POST', path: '/hooks/{token}', status: 201 },
    socket: false,
    open: true,
    async run(context, { token, content }) {
      const { caller } = await identity.authenticate(token, context.now).catch((error: unknown) => {
        if (error instanceof ChatError && error.status === 401) throw fail('not_found', 'There is no such hook');
        throw error;
      });
      const [conversation_id, ...others] = caller.key?.scope ?? [];
      if (conversation_id === undefined || others.length > 0) throw fail('not_found', 'There is no such hook');
      return perform('message.send', { ...context, caller }, { conversation_id, content });
    },
  });

  return [create, post];
}
