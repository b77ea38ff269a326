// A client of an SDK on two nodes with a proxy: it uses every feature at once, then its node dies.
// It runs on Node.js and in pages; `things` are the classes that only one of them has.
const NUMBERS = 100;
const HALF = NUMBERS / 2;

export async function story(Centrifuge, base, transports, key, things = {}) {
  const get = async (path) => (await fetch(base + path)).json();
  const api = async (method, params) => {
    const options = { method: "POST", headers: { "X-API-Key": key }, body: JSON.stringify(params) };
    const answer = await fetch(`${base}/api/${method}`, options);
    return answer.ok ? (await answer.json()).result : undefined;
  };
  // The proxy may have passed a request to the dying node: only the history shows its result.
  const isKept = async (channel, data) => {
    for (;;) {
      const found = await api("history", { channel, limit: 1, reverse: true });
      if (found !== undefined) return found.publications[0]?.data === data;
    }
  };
  const publish = async (channel, data) => {
    while ((await api("publish", { channel, data })) === undefined) if (await isKept(channel, data)) return;
  };
  const endpoints = { websocket: `${base.replace("http", "ws")}/connection/websocket` };
  for (const name of ["http_stream", "sse"]) endpoints[name] = `${base}/connection/${name}`;
  let tokens = 0;
  let refreshed;
  const refresh = new Promise((resolve) => (refreshed = resolve));
  const client = new Centrifuge(
    transports.map((transport) => ({ transport, endpoint: endpoints[transport] })),
    {
      emulationEndpoint: `${base}/emulation`,
      minReconnectDelay: 20,
      getToken: async () => {
        tokens += 1;
        const { token } = await get("/token");
        if (tokens >= 2) refreshed();
        return token;
      },
      ...things,
    },
  );
  const once = (emitter, event) => new Promise((resolve) => emitter.once(event, resolve));
  const used = [];
  const recovered = [];
  const seen = [];
  const joined = new Set();
  client.on("connected", ({ transport, client }) => used.push({ transport, client }));
  const room = client.newSubscription("room:tea", { joinLeave: true });
  const waits = [];
  room.on("subscribed", (context) => recovered.push(context.recovered));
  room.on("join", ({ info }) => joined.add(info.client));
  room.on("publication", ({ data }) => {
    seen.push(data);
    for (const wait of waits) if (seen.length >= wait.count) wait.resolve();
  });
  const count = (number) =>
    new Promise((resolve) => (seen.length >= number ? resolve() : waits.push({ count: number, resolve })));
  room.subscribe();
  client.connect();
  await once(room, "subscribed");
  const isPresent = async () => used.at(-1).client in (await room.presence()).clients;
  const present = [await isPresent()];
  const nodes = [(await client.rpc("node", {})).data];
  for (let number = 0; number < HALF; number += 1) {
    // By the client itself, and by the server.
    await (number % 2 ? publish("room:tea", number) : room.publish(number));
  }
  await count(HALF);
  const lost = once(client, "connecting");
  client.rpc("die", {}).catch(() => {});
  await lost;
  const again = once(room, "subscribed");
  // Some while the client is away, some while it comes back, and some afterwards.
  for (let number = HALF; number < NUMBERS; number += 1) await publish("room:tea", number);
  await again;
  await count(NUMBERS);
  nodes.push((await client.rpc("node", {})).data);
  present.push(await isPresent());
  await refresh;
  const afterwards = (await client.rpc("node", {})).data === nodes[1];
  const kept = (await room.history({ limit: -1 })).publications.map(({ data }) => data);
  const stats = await room.presenceStats();
  const done = once(client, "disconnected");
  client.disconnect();
  await done;
  return {
    seen,
    kept,
    nodes,
    present,
    recovered,
    afterwards,
    joined: used.filter(({ client }) => joined.has(client)).length,
    users: stats.numUsers,
    used: used.map(({ transport }) => transport),
    tokens: tokens >= 2,
  };
}
