// SPDX-License-Identifier: Apache-2.0
// Our server against grpc-js, a gRPC that shares no line with the core.
//	NODE_PATH=... node js_client.js ADDRESS [CA CERT KEY]
'use strict';
const grpc = require('@grpc/grpc-js');
const fs = require('fs');

const [at, ca, cert, key] = process.argv.slice(2);
const raw = (b) => b;
const method = (path, responseStream, requestStream) => ({
  path: '/test.Echo/' + path, requestStream: !!requestStream, responseStream: !!responseStream,
  requestSerialize: raw, requestDeserialize: raw, responseSerialize: raw, responseDeserialize: raw,
});
const Echo = grpc.makeGenericClientConstructor({
  Unary: method('Unary'), Stream: method('Stream', true), Chat: method('Chat', true, true), Who: method('Who'),
  None: method('None'), Stats: method('Stats'),
}, 'test.Echo');
const credentials = ca
  ? grpc.credentials.createSsl(fs.readFileSync(ca), fs.readFileSync(key), fs.readFileSync(cert))
  : grpc.credentials.createInsecure();
const client = new Echo(at, credentials, { 'grpc.keepalive_time_ms': 10000 });

let passed = 0, failed = 0;
const check = (ok, what) => {
  if (ok) passed++;
  else {
    failed++;
    console.log('failed:', what);
  }
};
const unary = (name, text, options = {}, metadata = new grpc.Metadata()) => new Promise((done) => {
  const got = {};
  const call = client[name](Buffer.from(text), metadata, options, (err, answer) => {
    got.code = err ? err.code : 0;
    got.text = err ? err.details : answer.toString();
    done(got);
  });
  call.on('metadata', (m) => { got.metadata = m; });
});
const stream = (text, { pause = 0, cancelAt = 0 } = {}) => new Promise((done) => {
  const got = { n: 0, bytes: 0 };
  const call = client.Stream(Buffer.from(text));
  call.on('data', (b) => {
    got.n++;
    got.bytes += b.length;
    if (got.n === pause) {
      call.pause();
      setTimeout(() => call.resume(), 300);
    }
    if (got.n === cancelAt) call.cancel();
  });
  call.on('error', () => {});
  call.on('status', (s) => done({ ...got, code: s.code, text: s.details }));
});
const chat = (texts) => new Promise((done) => {
  const got = [];
  const call = client.Chat();
  call.on('data', (b) => got.push(b.toString()));
  call.on('error', () => {});
  call.on('status', (s) => done({ got, code: s.code }));
  texts.forEach((t) => call.write(Buffer.from(t)));
  call.end();
});

(async () => {
  let r = await unary('Unary', 'hello');
  check(r.text === 'hello' && r.code === 0, `unary: ${r.text}`);
  check(r.metadata.get('weir-test')[0] === '1' && r.metadata.get('x-test')[0] === 'seen', 'headers');
  const m = new grpc.Metadata();
  m.set('x-from', 'javascript');
  r = await unary('Unary', 'header x-from', {}, m);
  check(r.text === 'javascript', `the header: ${r.text}`);
  r = await unary('Unary', 'code 9 the größte');
  check(r.code === 9 && r.text === 'the größte', `status: ${r.code} ${r.text}`);
  r = await unary('None', '');
  check(r.code === grpc.status.UNIMPLEMENTED && /unknown method/.test(r.text), `unknown: ${r.text}`);
  r = await unary('Unary', 'wait 3000', { deadline: Date.now() + 100 });
  check(r.code === grpc.status.DEADLINE_EXCEEDED, `deadline: ${r.code}`);
  r = await unary('Unary', 'x'.repeat(2 << 20));
  check(r.code === grpc.status.RESOURCE_EXHAUSTED, `too large: ${r.code} ${r.text}`);
  r = await stream('20000 200');
  check(r.n === 20000 && r.bytes === 4000000 && r.code === 0, `stream: ${r.n} ${r.code}`);
  r = await stream('5000 500', { pause: 100 });
  check(r.n === 5000 && r.code === 0, `a paused stream: ${r.n}`);
  r = await stream('3 300000');
  check(r.n === 3 && r.bytes === 900000, `large messages: ${r.bytes}`);
  r = await stream('-1 100', { cancelAt: 50 });
  check(r.code === grpc.status.CANCELLED, `cancelled: ${r.code}`);
  r = await chat(['a', 'b', 'c']);
  check(r.got.join() === 'a,b,c' && r.code === 0, `both ways: ${r.got}`);
  r = await Promise.all(Array.from({ length: 200 }, () => stream('200 100')));
  check(r.every((s) => s.n === 200 && s.code === 0), '200 streams at once over 100 at a time');
  r = await unary('Who', '');
  check(ca ? /kind 2 .*name client/.test(r.text) : /kind [01] /.test(r.text), `who: ${r.text}`);
  client.close();
  console.log(`${passed} passed, ${failed} failed`);
  process.exit(failed ? 1 : 0);
})();
