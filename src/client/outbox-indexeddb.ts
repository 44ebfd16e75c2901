/** The outbox of one user in a browser's IndexedDB: what was written there outlives a reload and the browser's end. */
import type { OutboxStore, Unsent } from './outbox.ts';

const STORE = 'unsent';

/** Two tabs of one user share it: both may send what one left behind, under the same ids, so it is there once. */
export function outboxInIndexedDb(userId: string, name = 'rill'): OutboxStore {
  let opened: Promise<IDBDatabase> | undefined;
  const kept = async <T>(mode: IDBTransactionMode, work: (store: IDBObjectStore) => IDBRequest<T>): Promise<T> => {
    opened ??= open(name);
    const database = await opened;
    return new Promise((resolve, reject) => {
      const transaction = database.transaction(STORE, mode, { durability: 'strict' });
      const request = work(transaction.objectStore(STORE));
      transaction.oncomplete = () => resolve(request.result);
      transaction.onabort = () => reject(transaction.error ?? new Error('the outbox could not be written'));
    });
  };
  return {
    async load() {
      const own = IDBKeyRange.bound([userId], [userId, []]);
      const rows = await kept<(Unsent & { user_id: string })[]>('readonly', (store) => store.getAll(own));
      return rows.map(({ user_id: _user, ...unsent }) => unsent);
    },
    async put(unsent) {
      await kept('readwrite', (store) => store.put({ ...unsent, user_id: userId }));
    },
    async delete(id) {
      await kept('readwrite', (store) => store.delete([userId, id]));
    },
  };
}

function open(name: string): Promise<IDBDatabase> {
  return new Promise((resolve, reject) => {
    const request = indexedDB.open(name, 1);
    request.onupgradeneeded = () => request.result.createObjectStore(STORE, { keyPath: ['user_id', 'id'] });
    request.onsuccess = () => {
      // A newer page wants to change it: this one lets go.
      request.result.onversionchange = () => request.result.close();
      resolve(request.result);
    };
    request.onerror = () => reject(request.error ?? new Error('IndexedDB is not to be had'));
  });
}
