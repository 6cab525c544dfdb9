'use strict';
const assert = require('assert');
const faker = require('faker');

describe('server', () => {
  it('starts without a listener', () => {
    process.env.TOKEN_KEY = String(faker);
    assert.strictEqual(typeof require('../server'), 'function');
  });
});
