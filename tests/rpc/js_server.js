// SPDX-License-Identifier: Apache-2.0
// A server by grpc-js, for our client.  Says "port N"; a stream "N SIZE", a status "code N TEXT", else an echo.
//	NODE_PATH=... node js_server.js [CA CERT KEY]
'use strict';
const grpc = require('@grpc/grpc-js');
const fs = require('fs');

const [ca, cert, key] = process.argv.slice(2);
const raw = (b) => b;
const method = (path, responseStream) => ({
  path: '/test.Echo/' + path, requestStream: false, responseStream: !!responseStream,
  requestSerialize: raw, requestDeserialize: raw, responseSerialize: raw, responseDeserialize: raw,
});
const server = new grpc.Server();
const headers = () => {
  const m = new grpc.Metadata();
  m.set('x-test', 'javascript');
  return m;
};

server.addService({ Unary: method('Unary'), Stream: method('Stream', true) }, {
  Unary: (call, done) => {
    const text = call.request.toString();
    const code = /^code (\d+) (.*)/.exec(text);
    call.sendMetadata(headers());
    if (code) done({ code: Number(code[1]), details: code[2] });
    else if (text === 'from') done(null, Buffer.from(String(call.metadata.get('x-from')[0])));
    else if (text !== 'hang') done(null, call.request);
  },
  Stream: (call) => {
    let [n, size] = call.request.toString().split(' ').map(Number);
    call.sendMetadata(headers());
    const more = () => {
      while (n > 0) {
        n--;
        if (!call.write(Buffer.alloc(size, 'x'))) {
          call.once('drain', more);
          return;
        }
      }
      if (n === 0) call.end();
      n = -1;
    };
    more();
  },
});
const credentials = ca
  ? grpc.ServerCredentials.createSsl(fs.readFileSync(ca),
    [{ private_key: fs.readFileSync(key), cert_chain: fs.readFileSync(cert) }], true)
  : grpc.ServerCredentials.createInsecure();
server.bindAsync('127.0.0.1:0', credentials, (err, port) => console.log(err ? `error ${err}` : `port ${port}`));
