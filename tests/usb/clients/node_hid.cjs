// ledgerjs over node-hid, unmodified: what it lists, which model it takes the device for, and ten exchanges. One line of JSON.
const Transport = require("@ledgerhq/hw-transport-node-hid-noevents").default;

(async () => {
  const result = { listed: (await Transport.list()).length };
  const transport = await Transport.open("");
  result.model = transport.deviceModel && transport.deviceModel.id;
  result.answers = [];
  for (let i = 0; i < 10; i++) result.answers.push((await transport.send(0xb0, 1, 0, 0)).toString("hex"));
  await transport.close();
  console.log(JSON.stringify(result));
})().catch((error) => {
  console.log(JSON.stringify({ error: `${error.name}: ${error.message}` }));
  process.exitCode = 1;
});
