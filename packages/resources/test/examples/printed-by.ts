/** What each example prints, all of it. */
export const printedBy: Readonly<Record<string, string>> = {
  'basic-usage.ts': `\
printed:  hello on A4, page 1
printed:  world on A4, page 2
cached:   1 2
refused:  LEASE_RELEASED
listed:   printer idle 1 instance, 2 acquired
listed:   words idle 1 instance, 1 acquired
ended:    closed
closed:   printer 1, words 1
`,
  'credential-management.ts': `\
first:    called with key-1
  event: credential-rotated key
early:    called with key-1
next:     called with key-2
  event: credential-refresh-failed key
still:    called with key-2
  event: credential-revoked key
late:     RESOURCE_REVOKED true
missing:  RESOURCE_CREDENTIAL_MISSING { resource: 'partner', slot: 'key', credentialId: 'partner-key' }
again:    called with key-4
shown:    [ { key: { id: 'partner-key', version: 4 } } ]
`,
  'custom-resource.ts': `\
sent:      taken as 1
sent:      taken as 2
received:  .it begins with a dot
checked:   healthy
refused:   MAIL_REFUSED, retryable: false
broken:    RESOURCE_CONNECTION_LOST, retryable: true
back:      taken as 3
ended:     mail, forced 0, left 0
`,
  'dependency-graph.ts': `\
flowchart LR
  n0["cache"]
  n1["database"]
  n2["orders"]
  n3["api"]
  n2 --> n0
  n2 --> n1
  n3 --> n2
one acquire makes all that it needs:
  made database
  made cache
  made orders
  made api
order 7
RESOURCE_DEPENDENCY_CIRCULAR [ 'cache', 'api', 'orders', 'cache' ]
start: database, queue, server, worker
without the queue: server, worker
  n0["DATABASE"]   n1["QUEUE"]
`,
  'graceful-shutdown.ts': `\
started database in-use, orders idle, reports idle
a new request: RESOURCES_CLOSED
  wrote order-7
  orders ended: closed
  the job is told to stop
  reports ended: forced
  database ended: closed
orders   { returned: 1, destroyed: 1, forced: 0, left: 0 }
reports  { returned: 0, destroyed: 1, forced: 1, left: 0 }
database { returned: 0, destroyed: 1, forced: 0, left: 0 }
taken from borrowers: 1 - maybe still alive: 0
closed once more: true
`,
  'monitoring.ts': `\
a minute of work:
  database: created -> initializing
  database: initializing -> ready
  database: ready -> idle
  database: idle -> in-use
  database: in-use -> idle
  database is healthy, and was unknown
the server is down for a minute:
  database is unhealthy, and was healthy
  database: idle -> failed
  quarantined: its check says that it does not work; a try in 750 ms
  quarantined: its check says that it does not work; a try in 1500 ms
refused at once: RESOURCE_UNAVAILABLE, again in 300 ms
health: unhealthy 0 of postgres
it is back:
  database is healthy, and was unhealthy
  database: failed -> initializing
  database: initializing -> ready
  database: ready -> idle
  recovered, after 1 tries in vain
history: 6 looks, the last one healthy
  database: idle -> in-use
figures: { active: 1, idle: 1, waiting: 0, peakActive: 2, acquisitions: 1008 }
  database: in-use -> idle
advice: grow to 3
alerts: ResourceUnavailable, ResourceAcquiresFail, ResourceHealthChecksFail, ResourceQueueGrows, ResourceExhausted, ResourceAcquireSlow, ResourceChurns, ResourceNotGivenBack, ResourceHealthWorsens, ResourceQuotaExceeded, ResourceCredentialNotUsable
  database: idle -> draining
  database: draining -> cleanup
  database: cleanup -> terminated
`,
  'multi-tenant.ts': `\
acme has { id: 1, whose: 'acme', region: 'eu' }
umbrella has { id: 2, whose: 'umbrella', region: 'us' }
acme has { id: 1, whose: 'acme', region: 'eu' }
acme asks for umbrella: RESOURCE_TENANT_MISMATCH
acme sees [ 'storage of tenant=acme' ]
the operator sees tenant=acme, tenant=umbrella
small has 3 and uses { maxResources: 1, maxLeases: 1, maxWaiters: 0 }
small asks for more: RESOURCE_QUOTA_EXCEEDED
acme still has 1
works in /jobs/acme/import
works in /jobs/acme/export
`,
  'pool-configuration.ts': `\
a fourth: POOL_EXHAUSTED
the third: RESOURCE_TIMEOUT
still out: 1 2
lifo      2 2 2 2 2 2 2 2 2 2 2 2
fifo      3 1 2 3 1 2 3 1 2 3 1 2
lru       1 2 3 1 2 3 1 2 3 1 2 3
weighted  3 1 2 3 1 2 3 1 3 2 1 3
adaptive  3 3 3 3 3 3 3 3 3 3 3 3
warm: 3
ended: idle
ended: idle
after a minute: 1
ended: invalid
a new one: 4
still works: true
ended: invalidated
{ max: 2, created: 4, destroyed: 4 }
`,
  'resilience.ts': `\
it works:
4.20 EUR, after 1 requests
it fails twice:
  event: retry-scheduled
  event: retry-scheduled
4.20 EUR, after 3 requests
it is down:
  event: retry-scheduled
  event: retry-scheduled
  event: fallback-used
the price of yesterday, after 3 requests
it is left alone:
  event: circuit-opened
  event: retry-scheduled
  event: circuit-rejected
  event: fallback-used
the price of yesterday, after 1 requests
  event: circuit-rejected
  event: fallback-used
the price of yesterday, after 0 requests
circuit: open
`,
  'tracing.ts': `\
  resources.acquire {"tenon.resource":"shop"} ok
    GET {"http.request.method":"GET","url.scheme":"http","http.response.status_code":200} ok
  resources.http.request {"tenon.resource":"shop","http.request.method":"GET","server.address":"127.0.0.1","http.response.status_code":200,"http.request.resend_count":0} ok
place-order {"product":"tea"} ok
the other side was told 00-0af7651916cd43dd8448eb211c80319c-0000000000000002-01
  resources.acquire {"tenon.resource":"broken","error.type":"RESOURCE_INITIALIZATION_FAILED"} failed: RESOURCE_INITIALIZATION_FAILED
caught RESOURCE_INITIALIZATION_FAILED
place-order {"product":"tea"} ok
`,
};
