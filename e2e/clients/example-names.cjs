// In place of a name server: `node --require example-names.cjs …` finds every name below example.org at 127.0.0.1.
const dns = require('node:dns');

const { lookup } = dns;
dns.lookup = (name, options, callback) => {
  const known = name.endsWith('.example.org') ? '127.0.0.1' : name;
  return callback ? lookup(known, options, callback) : lookup(known, options);
};
