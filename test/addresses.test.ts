/** Addresses in one spelling, and whose word counts behind proxies. */
import { expect } from 'chai';
import { callerAddress, isOwnOrigin, networkOf, plainAddress } from '../src/addresses.ts';

describe('addresses', () => {
  it('lose port, zone and spelling', () => {
    const same: Record<string, readonly string[]> = {
      '203.0.113.8': ['203.0.113.8', '203.0.113.8:4321', ' 203.0.113.8 ', '::ffff:203.0.113.8', '::FFFF:cb00:7108'],
      '2001:db8::1': [
        '2001:db8::1',
        '[2001:db8::1]',
        '[2001:db8::1]:4321',
        '2001:0DB8:0:0:0:0:0:1',
        '2001:db8::1%eth0',
      ],
      '': [
        '',
        'unknown',
        '_hidden',
        '203.0.113',
        '127.1',
        '0x7f.0.0.1',
        '256.1.1.1',
        '1.2.3.4:x',
        '[2001:db8::1',
        '::g',
      ],
    };
    for (const [plain, spellings] of Object.entries(same)) {
      for (const spelling of spellings) expect(plainAddress(spelling), spelling).to.equal(plain);
    }
  });

  it('of a whole IPv6 /64 count as one', () => {
    const one = [
      '2001:db8:0:1::1',
      '2001:0db8:0:1:ffff:ffff:ffff:ffff',
      '2001:db8::1:0:0:0:9',
      '[2001:DB8:0:1:2::]:80',
    ];
    expect(new Set(one.map(networkOf))).to.deep.equal(new Set(['2001:db8:0:1::/64']));
    expect(networkOf('2001:db8:0:2::1')).to.equal('2001:db8:0:2::/64');
    expect(networkOf('::1')).to.equal('::/64');
    expect(networkOf('::ffff:192.0.2.7')).to.equal('192.0.2.7');
    expect(networkOf('192.0.2.7:80')).to.equal('192.0.2.7');
    expect(networkOf('nonsense')).to.equal('');
  });

  it('of the caller are what the outermost trusted proxy saw', () => {
    expect(callerAddress('::ffff:10.0.0.1', '203.0.113.8', 0)).to.equal('10.0.0.1');
    expect(callerAddress('10.0.0.1', '203.0.113.8:4321', 1)).to.equal('203.0.113.8');
    expect(callerAddress('10.0.0.1', '198.51.100.1, 203.0.113.8', 1)).to.equal('203.0.113.8');
    expect(callerAddress('10.0.0.1', '198.51.100.1, 203.0.113.8, 10.0.0.2', 2)).to.equal('203.0.113.8');
    expect(callerAddress('10.0.0.1', ['198.51.100.1', '203.0.113.8'], 1)).to.equal('203.0.113.8');
    expect(callerAddress('10.0.0.1', '203.0.113.8', 3)).to.equal('203.0.113.8');
    for (const nothing of [undefined, '', ' , ', 'unknown']) {
      expect(callerAddress('10.0.0.1', nothing, 1), String(nothing)).to.equal('10.0.0.1');
    }
    expect(callerAddress(undefined, undefined, 0)).to.equal('');
  });
});

describe('origins', () => {
  const host = 'chat.example.com';

  it('are compared as origins, not as text', () => {
    for (const same of ['Chat.Example.COM', 'chat.example.com:443', host]) {
      expect(isOwnOrigin(`https://${host}`, { host: same }, 0), same).to.equal(true);
    }
    expect(isOwnOrigin(`http://${host}`, { host: `${host}:80` }, 0)).to.equal(true);
    expect(isOwnOrigin('http://[::1]:8000', { host: '[0:0:0:0:0:0:0:1]:8000' }, 0)).to.equal(true);
    const others = [`https://${host}:444`, `https://${host}.evil.example`, 'https://evil.example'];
    for (const other of [...others, 'null', '', host, `ftp://${host}`, 'file://']) {
      expect(isOwnOrigin(other, { host: `${host}:443` }, 0), other).to.equal(false);
    }
    expect(isOwnOrigin(`https://${host}`, {}, 0)).to.equal(false);
  });

  it('take the name and the scheme that the trusted proxy was called by', () => {
    const headers = { host: 'backend:8000', 'x-forwarded-host': host, 'x-forwarded-proto': 'https' };
    expect(isOwnOrigin(`https://${host}`, headers, 1)).to.equal(true);
    expect(isOwnOrigin(`http://${host}`, headers, 1)).to.equal(false);
    expect(isOwnOrigin('https://backend:8000', headers, 1)).to.equal(false);
    expect(isOwnOrigin(`https://${host}`, headers, 0)).to.equal(false);
    expect(isOwnOrigin(`https://${host}`, { ...headers, 'x-forwarded-proto': 'wss' }, 1)).to.equal(true);
    const forged = { ...headers, 'x-forwarded-host': `evil.example, ${host}` };
    expect(isOwnOrigin('https://evil.example', forged, 1)).to.equal(false);
    expect(isOwnOrigin(`https://${host}`, forged, 1)).to.equal(true);
  });
});
