// Drives the Device Management Kit with its speculos transport and its Cosmos signer.
import { addressOf, describe, hex, judge, main, request, require, wants } from "./session.mjs";
import { connect, data, outcome } from "./dmk_session.mjs";

const { GetAppAndVersionCommand, GetOsVersionCommand, ListAppsCommand } = require(
  "@ledgerhq/device-management-kit",
);
const { SignerCosmosBuilder } = require("@ledgerhq/device-signer-kit-cosmos");

await main(async () => {
  const { dmk, sessionId } = await connect();
  const signer = new SignerCosmosBuilder({ dmk, sessionId }).build();
  const result = {};
  if (wants("system")) {
    const version = await data(dmk, sessionId, new GetOsVersionCommand());
    result.os_version = { ...version, seFlags: hex(version.seFlags) };
    result.running = await data(dmk, sessionId, new GetAppAndVersionCommand());
    result.apps = await data(dmk, sessionId, new ListAppsCommand());
  }
  if (wants("address")) {
    const answer = await outcome(signer.getAddress(request.path, request.hrp));
    const publicKey = hex(answer.publicKey);
    Object.assign(result, {
      address: answer.address,
      public_key: publicKey,
      computed_address: addressOf(publicKey, request.hrp),
    });
  }
  if (wants("configuration")) result.configuration = await outcome(signer.getAppConfig());
  if (wants("show"))
    result.shown_address = (await outcome(signer.getAddress(request.path, request.hrp, { checkOnDevice: true }))).address;
  if (wants("sign")) {
    result.signatures = {};
    for (const [name, document] of Object.entries(request.documents)) {
      const bytes = new TextEncoder().encode(document);
      const signature = await outcome(signer.signTransaction(request.path, request.hrp, bytes));
      result.signatures[name] = await judge({ document, der: hex(signature), publicKey: result.public_key });
    }
  }
  if (wants("refuse")) {
    const bytes = new TextEncoder().encode(Object.values(request.documents)[0]);
    const refusal = await outcome(signer.signTransaction(request.path, request.hrp, bytes)).catch((error) => error);
    result.refusal = { ...describe(refusal), code: refusal?.errorCode ?? refusal?.originalError?.errorCode ?? null };
  }
  await dmk.disconnect({ sessionId });
  return result;
});
