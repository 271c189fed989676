// Drives the device actions of the Device Management Kit that need a manager: ours, by its two addresses.
//
// `steps` are the actions, in order; each leaves its output, or its error, and the gestures it asked its user for.
import { describe, hex, main, request, require } from "./session.mjs";
import { connect, outcome } from "./dmk_session.mjs";

const kit = require("@ledgerhq/device-management-kit");
const app = () => request.app_name;
const dependency = () => ({ name: app(), constraints: [{ minVersion: "latest" }] });

const actions = {
  status: () => new kit.GetDeviceStatusDeviceAction({ input: {} }),
  genuine: () => new kit.GenuineCheckDeviceAction({ input: {} }),
  list: () => new kit.ListInstalledAppsDeviceAction({ input: {} }),
  list_with_metadata: () => new kit.ListAppsWithMetadataDeviceAction({ input: {} }),
  metadata: () => new kit.GetDeviceMetadataDeviceAction({ input: { useSecureChannel: true, forceUpdate: true } }),
  install: () => new kit.InstallAppDeviceAction({ input: { appName: app() } }),
  uninstall: () => new kit.UninstallAppDeviceAction({ input: { appName: app() } }),
  install_or_update: () =>
    new kit.InstallOrUpdateAppsDeviceAction({ input: { applications: [dependency()], allowMissingApplication: false } }),
  open_with_dependencies: () =>
    new kit.OpenAppWithDependenciesDeviceAction({ input: { application: dependency(), dependencies: [] } }),
};

await main(async () => {
  const { dmk, sessionId } = await connect();
  const done = [];
  for (const step of request.steps) {
    const gestures = new Set();
    const found = { step, gestures: [] };
    let progress = 0;
    const onState = ({ intermediateValue: value }) => {
      if (value?.requiredUserInteraction) gestures.add(value.requiredUserInteraction);
      if (value?.deviceId) found.device_id = hex(value.deviceId);
      progress = Math.max(progress, value?.progress ?? 0);
    };
    try {
      const deviceAction = actions[step]();
      found.output = (await outcome(dmk.executeDeviceAction({ sessionId, deviceAction }), onState)) ?? null;
    } catch (error) {
      const cause = error?.originalError ?? error?.err ?? null;
      found.error = { ...describe(error), code: error?.errorCode ?? cause?.errorCode ?? null, cause: String(cause?.message ?? cause ?? "") };
    }
    gestures.delete(kit.UserInteractionRequired.None);
    done.push({ ...found, progress, gestures: [...gestures] });
  }
  await dmk.disconnect({ sessionId });
  return { done };
});
