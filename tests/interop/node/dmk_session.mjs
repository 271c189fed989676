// Connects the Device Management Kit to the device by its speculos transport.
import { firstValueFrom } from "rxjs";
import { request, require } from "./session.mjs";

// Published as modules only a bundler can resolve, so the CommonJS half is taken.
const { DeviceManagementKitBuilder } = require("@ledgerhq/device-management-kit");
const { speculosTransportFactory } = require("@ledgerhq/device-transport-kit-speculos");

export async function connect() {
  const factory = speculosTransportFactory(`http://127.0.0.1:${request.api_port}`);
  const dmk = new DeviceManagementKitBuilder().addTransport(factory).build();
  const device = await firstValueFrom(dmk.startDiscovering({}));
  // The refresher polls on a clock; a recorded session must not depend on one.
  const sessionRefresherOptions = request.quiet ? { isRefresherDisabled: true } : undefined;
  const sessionId = await dmk.connect({ device, sessionRefresherOptions });
  return { dmk, sessionId };
}
