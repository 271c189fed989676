// Connects the Device Management Kit to the device by its speculos transport, and awaits what it does.
import { firstValueFrom, filter, tap } from "rxjs";
import { request, require } from "./session.mjs";

// Published as modules only a bundler can resolve, so the CommonJS half is taken.
const { DeviceActionStatus, DeviceManagementKitBuilder } = require("@ledgerhq/device-management-kit");
const { speculosTransportFactory } = require("@ledgerhq/device-transport-kit-speculos");

const finished = [DeviceActionStatus.Completed, DeviceActionStatus.Error, DeviceActionStatus.Stopped];

// `manager_http` and `manager_ws` of the request name the manager; without them the kit has none to ask.
export async function connect() {
  const factory = speculosTransportFactory(`http://127.0.0.1:${request.api_port}`);
  const builder = new DeviceManagementKitBuilder().addTransport(factory);
  if (request.manager_http)
    builder.addConfig({ managerApiUrl: request.manager_http, webSocketUrl: request.manager_ws });
  const dmk = builder.build();
  const device = await firstValueFrom(dmk.startDiscovering({}));
  // The refresher polls on a clock; a recorded session must not depend on one.
  const sessionRefresherOptions = request.quiet ? { isRefresherDisabled: true } : undefined;
  const sessionId = await dmk.connect({ device, sessionRefresherOptions });
  return { dmk, sessionId };
}

// The end of a device action: its output, or its error thrown; `onState` sees every state on the way.
export async function outcome({ observable }, onState = () => {}) {
  const ends = observable.pipe(
    tap(onState),
    filter(({ status }) => finished.includes(status)),
  );
  const state = await firstValueFrom(ends);
  if (state.status !== DeviceActionStatus.Completed) throw state.error ?? new Error(state.status);
  return state.output;
}

// The data of a plain command, or its error thrown.
export async function data(dmk, sessionId, command) {
  const answer = await dmk.sendCommand({ sessionId, command });
  if (answer.status !== "SUCCESS") throw answer.error;
  return answer.data;
}
