/** The places for files that the settings name. */
import { join } from 'node:path';
import type { Config } from '../config.ts';
import { DiskStore } from './disk-store.ts';
import { S3Store } from './s3-store.ts';
import type { FileStore } from './store.ts';
import { WholeFiles } from './whole-files.ts';

type Settings = Pick<
  Config,
  'DATA_DIR' | 'S3_ENDPOINT' | 'S3_BUCKET' | 'S3_ACCESS_KEY_ID' | 'S3_SECRET_ACCESS_KEY' | 'S3_REGION'
>;

export const filesFolder = (config: Pick<Config, 'DATA_DIR'>): string => join(config.DATA_DIR, 'files');

export function fileStoreOf(config: Settings): FileStore {
  return config.S3_ENDPOINT === '' ? new DiskStore(filesFolder(config)) : s3Of(config, '');
}

/** Where what is long ago lies: beside the files of attachments, and never among them. */
export function archiveFilesOf(config: Settings): WholeFiles {
  const folder = join(config.DATA_DIR, 'archive');
  const store = config.S3_ENDPOINT === '' ? new DiskStore(folder) : s3Of(config, 'archive/');
  return new WholeFiles(store, join(folder, 'incoming'));
}

const s3Of = (config: Settings, prefix: string): FileStore =>
  new S3Store({
    endpoint: config.S3_ENDPOINT,
    bucket: config.S3_BUCKET,
    accessKeyId: config.S3_ACCESS_KEY_ID,
    secretAccessKey: config.S3_SECRET_ACCESS_KEY,
    region: config.S3_REGION,
    prefix,
  });
