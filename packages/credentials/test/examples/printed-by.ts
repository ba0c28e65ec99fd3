/** What each example prints, all of it. */
export const printedBy: Readonly<Record<string, string>> = {
  'basic-usage.ts': `\
printed:  [secret]
revealed: ghp_1234
user:     deploy
known:    api-key version 1 { env: 'production' } Reads releases
listed:   org:acme/team:eng github
listed:   org:acme/team:eng registry
together: [ 'basic', undefined ]
refused:  CREDENTIAL_VERSION_CONFLICT it is at version 2
deleted:  true
now:      undefined
deleted:  [ false, true ]
`,
  'builder.ts': `\
a vault cannot be built without storage(): call it before build()
github stored
not an id CREDENTIAL_ID_INVALID
api stored
rotated to version 2
partner: from-elsewhere of handed-out
main,org.acme,api.json sealed
main,org.acme,github.json sealed
sealed anew: 2 of 2, unreadable: 0
sealed with [ '2026-02' ]
opened: ghp_1234
`,
  'caching.ts': `\
reads of the storage, first: 1
reads, then: 0
reads, 50 at once after the cache was cleared: 1
after a write: second
reads after a minute without use: 1
reads of github, used lately: 0
reads of gitlab, which had to go: 1
{ hits: 3, misses: 56, evictions: 2, entries: 2, isFull: true }
CREDENTIALS_OPTIONS_INVALID
after a write elsewhere: second
entries after it was cleared: 0
`,
  'multi-tenant.ts': `\
acme reads acme-key
umbrella reads umbrella-key
initech reads undefined
engineering lists org:main/team:eng/service:ci github
engineering reads stripe: undefined
engineering validates stripe: not-found
engineering overwrites stripe: CREDENTIAL_SCOPE_VIOLATION
administrator lists org:main/team:billing stripe, org:main/team:eng/service:ci github
without a tenant: TENANT_REQUIRED
audit of acme: replace stripe succeeded {}
audit of acme: read stripe succeeded {}
audit of acme: replace github succeeded {}
audit of acme: list - succeeded {"within":"org:main/team:eng","count":1}
audit of acme: read stripe denied {"actingFrom":"org:main/team:eng"}
audit of acme: read stripe denied {"actingFrom":"org:main/team:eng"}
audit of acme: replace stripe denied {"actingFrom":"org:main/team:eng"}
audit of acme: list - succeeded {"within":"","count":2,"reason":"yearly review"}
`,
  'rotation.ts': `\
rotated: key-2 - version 1 still: key-1
an hour later, version 1: nothing
failed: 401 from the partner
still: key-2
due now: { rotated: 0, failed: [], manual: [] }
due in 90 days: { rotated: 1, failed: [], manual: [] }
now: key-3 - version 2 still: key-2
emergency: key-4 - version 3: nothing - version 2: nothing
rolled back: version 5 is key-3
earlier versions: 4, 2, 1
refreshed: version 2, the one before: access-1
revoked: nothing
`,
  'validation.ts': `\
CREDENTIAL_INVALID [{"path":"/host","code":"pattern","message":"must match pattern \\"^[a-z0-9.-]+$\\""},{"path":"/password","code":"minLength","message":"must not have fewer than 8 characters"}]
day 0: mail is valid
day 0: partner is valid
day 0: github is valid
day 0: nobody is not-found
day 31: mail is valid
day 31: partner is valid, rotation recommended
day 31: github is valid
day 31: nobody is not-found
day 40: mail is valid
day 40: partner is expired
day 40: github is valid, rotation recommended
day 40: nobody is not-found
CREDENTIAL_EXPIRED 2026-02-10T00:00:00.000Z
on purpose: 1234
day 40: mail is invalid: the vault knows no kind of credential called "smtp"
ended, or will in 30 days: partner
`,
};
