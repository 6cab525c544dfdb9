'use strict';
// The web tier: renders the invoices of a customer from the API.
const path = require('path');
const express = require('express');
const jwt = require('jsonwebtoken');
const mkdirp = require('mkdirp');
const request = require('request');
const _ = require('lodash');

const api = process.env.API_URL || 'http://api:8080';
const key = process.env.TOKEN_KEY;
const app = express();

mkdirp.sync(process.env.CACHE_DIR || '/tmp/cache');
app.set('view engine', 'ejs');
app.set('views', path.join(__dirname, 'views'));

app.get('/healthz', (req, res) => res.sendStatus(204));

app.get('/customers/:customer', (req, res, next) => {
  const token = jwt.sign({ sub: req.params.customer }, key, { expiresIn: '1m' });
  request({ url: `${api}/customers/${encodeURIComponent(req.params.customer)}/invoices`, json: true, auth: { bearer: token } }, (err, answer, invoices) => {
    if (err) {
      return next(err);
    }
    const options = _.merge({}, { sort: 'id' }, req.query);
    return res.render('invoices', { customer: req.params.customer, invoices: _.sortBy(invoices, options.sort) });
  });
});

module.exports = app;

if (require.main === module) {
  app.listen(3000);
}
