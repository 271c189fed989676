// Keplr's own code for devices, in a page, over ledgerjs' HTTP transport. The page is the wallet: it knows no more than a port.
import httpTransport from "@ledgerhq/hw-transport-http";
import { CosmosApp } from "@keplr-wallet/ledger-cosmos";

const hex = (bytes) => Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");

window.wallet = async ({ api_port, open_app, documents }) => {
  const transport = await httpTransport([`http://127.0.0.1:${api_port}`]).create();
  if (open_app) await CosmosApp.openApp(transport, "Cosmos");
  const app = new CosmosApp("Cosmos", transport);
  const version = await app.getVersion();
  const info = await app.getAppInfo();
  const key = await app.getPublicKey(0, 0, 0);
  const signatures = {};
  for (const [name, document] of Object.entries(documents)) {
    const { signature, return_code, error_message } = await app.sign(0, 0, 0, new TextEncoder().encode(document));
    signatures[name] = { document, der: hex(signature ?? []), return_code, error_message };
  }
  await transport.close();
  return { version, info, public_key: hex(key.compressed_pk), signatures };
};
