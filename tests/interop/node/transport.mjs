// The ways ledgerjs knows to a device that is not on USB, by the names of their packages.
import { request, require } from "./session.mjs";
import { connect } from "./dmk_session.mjs";

const load = (name) => require(`@ledgerhq/${name}`).default;

const openers = {
  "hw-transport-http": () => load("hw-transport-http")([`http://127.0.0.1:${request.api_port}`]).create(),
  "hw-transport-node-speculos": () => load("hw-transport-node-speculos").open({ apduPort: request.apdu_port }),
  "hw-transport-node-speculos-http": () =>
    load("hw-transport-node-speculos-http").open({ baseURL: "http://127.0.0.1", apiPort: String(request.api_port) }),
  // zondax' adapter, its successor to all of the above; it has no close() of its own
  dmk: async () => {
    const { DMKTransport } = require("@zondax/ledger-js");
    const { dmk, sessionId } = await connect();
    return Object.assign(new DMKTransport(dmk, sessionId), { close: () => dmk.disconnect({ sessionId }) });
  },
};

// Open the transport the request names and, if it asks so, the Cosmos app with it, as wallets do.
export async function openTransport() {
  const transport = await openers[request.transport]();
  if (request.open_app) await transport.send(0xe0, 0xd8, 0, 0, Buffer.from("Cosmos", "ascii"));
  return transport;
}
