// A consumer on grpc-js: calls one method over one channel until its input has a line, and says what became of the calls.
// It must never try a call again: each that failed is counted.
const { Client, credentials, Metadata } = require("@grpc/grpc-js");

const LAST = 20;

const [address, path] = process.argv.slice(2);
const client = new Client(address, credentials.createInsecure(), { "grpc.enable_retries": 0 });
const tally = { calls: 0, failed: [], seen: {}, last: {} };
let stopped = false;
process.stdin.once("data", () => (stopped = true));

const bytes = (message) => message;

function once(seen) {
  tally.calls += 1;
  return new Promise((done) => {
    let provider = "none";
    const options = { deadline: Date.now() + 10_000 };
    const call = client.makeUnaryRequest(path, bytes, bytes, Buffer.alloc(0), new Metadata(), options, (error) => {
      if (error) tally.failed.push(`${error.code}: ${error.details}`);
      else seen[provider] = (seen[provider] ?? 0) + 1;
      done();
    });
    call.on("metadata", (metadata) => ([provider] = metadata.get("x-provider")));
  });
}

async function main() {
  while (!stopped) await once(tally.seen);
  for (let number = 0; number < LAST; number += 1) await once(tally.last);
  console.log(JSON.stringify(tally));
  client.close();
  process.exit(0);
}

main();
