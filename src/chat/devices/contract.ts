/** Devices: the event of the user's own stream that says that one was seen for the first time. Pure data. */
import Type from 'typebox';
import { event } from '../feature.ts';

export const DeviceRegistered = event({
  type: 'device.registered',
  version: 1,
  data: Type.Object({ device_id: Type.String({ description: 'As the client named it, `?device_id=`' }) }),
});
