"""Scripts in Lua, which the server runs atomically.

Keys of a channel: a hash with the epoch (`e`), the offset of the newest publication (`o`), the run ID of the server
that wrote last (`r`) and the expiry of the hash (`x`); a stream with the publications, whose IDs are
`offset-milliseconds`, so that a position and the age of an entry are found at once; and for presence a sorted set of
connections by expiry, a hash from connection to member, and a hash from member to `count:info`. A token bucket is a
hash.

A changed run ID means that the server was restarted, or that a replica has taken over: its data may be older than what
clients have, so that offsets would be assigned twice. A new epoch then begins, and the rest of the history continues in
it. A server that is declared durable keeps one ID.
"""

from __future__ import annotations

import hashlib


class Script:
    """A script, and the name by which a server that has loaded it calls it."""

    __slots__ = ("digest", "text")

    def __init__(self, *parts: str) -> None:
        self.text = "\n".join(parts)
        # The name that EVALSHA requires, not a security measure.
        self.digest = hashlib.sha1(self.text.encode(), usedforsecurity=False).hexdigest()


_TIME = """
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
"""

_KEEP_FOR = """
local function keep_for(key, milliseconds)
  if redis.call('PTTL', key) < milliseconds then redis.call('PEXPIRE', key, milliseconds) end
end
"""

# KEYS: the hash, the stream. ARGV: the run ID of the server, an epoch to begin if needed.
#
# HSET comes first: a server whose memory is full refuses it, but refuses nothing after the first write of a script, and
# it permits DEL, which is a write.
_LOG = """
local known = redis.call('HMGET', KEYS[1], 'e', 'o', 'r', 'x')
local epoch = known[1]
if known[3] ~= ARGV[1] then
  epoch = ARGV[2]
  redis.call('HSET', KEYS[1], 'e', epoch, 'r', ARGV[1])
  if not known[1] then redis.call('DEL', KEYS[2]) end
end
"""

# Further ARGV: the channel of the server, size, milliseconds to live of the stream and of the hash, payload. Returns
# the position.
#
# Written for speed: it takes the server 20 microseconds by `INFO commandstats`, where it took 50. The hash, which must
# outlive the history, therefore gets an hour more than it needs, and `x` records its expiry, so that the expiry is set
# once an hour. Publications older than their time to live stay in the stream, up to its size, until the whole stream
# expires; readers do not get them.
_PUBLISH = """
local top = redis.call('HINCRBY', KEYS[1], 'o', 1)
local offset = string.format('%d', top)
redis.call('XADD', KEYS[2], 'MAXLEN', ARGV[4], offset .. string.format('-%d', now), 'p', ARGV[7])
redis.call('PEXPIRE', KEYS[2], ARGV[5])
local life = tonumber(ARGV[6])
if (tonumber(known[4]) or 0) < now + life then
  redis.call('PEXPIRE', KEYS[1], life + 3600000)
  redis.call('HSET', KEYS[1], 'x', string.format('%d', now + life + 3600000))
end
redis.call('PUBLISH', ARGV[3], 'h' .. epoch .. ':' .. offset .. ':' .. ARGV[7])
"""

PUBLISH = Script(_TIME, _LOG, _PUBLISH, "return {epoch, top}")

# Further KEYS: a hash with the epoch (`e`) and the offset (`o`) of the publication with a key, which the server deletes
# when the key is forgotten. Further ARGV: milliseconds until then.
PUBLISH_ONCE = Script(
    """
local done = redis.call('HMGET', KEYS[3], 'e', 'o')
if done[2] then return {done[1], tonumber(done[2])} end
""",
    _TIME,
    _LOG,
    _PUBLISH,
    """
redis.call('HSET', KEYS[3], 'e', epoch, 'o', offset)
redis.call('PEXPIRE', KEYS[3], ARGV[8])
return {epoch, top}
""",
)

# KEYS: such a hash, for a channel without history. ARGV: the run ID of the server, which is not used here, the channel
# of the server, the message, milliseconds.
PUBLISH_LIVE_ONCE = Script(
    """
if redis.call('HMGET', KEYS[1], 'o')[1] then return 0 end
redis.call('HSET', KEYS[1], 'o', '0')
redis.call('PEXPIRE', KEYS[1], ARGV[4])
redis.call('PUBLISH', ARGV[2], ARGV[3])
return 1
"""
)

# The KEYS of `PUBLISH`. The hash, and with it epoch and offset, remains.
REMOVE = Script("redis.call('DEL', KEYS[2]) return 1")

# Further ARGV: milliseconds that the hash lives at least, size, milliseconds to live, epoch requested (empty for none),
# offset, limit (negative for none), bytes (negative for no bound): entries are returned up to the one with which their
# payloads reach this many. Returns epoch, top, whether it is complete (1 or 0), how many entries, entries.
READ = Script(
    _TIME,
    _KEEP_FOR,
    _LOG,
    """
keep_for(KEYS[1], tonumber(ARGV[3]))
local top, size, ttl = tonumber(known[2]) or 0, tonumber(ARGV[4]), tonumber(ARGV[5])
local function time_of(id) return tonumber(string.match(id, '-(%d+)$')) end
local function entry_from(offset)
  return redis.call('XRANGE', KEYS[2], string.format('%d', offset), '+', 'COUNT', 1)[1]
end
-- The first offset that is there and not older than the time to live; one beyond the newest when there is none. They
-- are in the order of their times, so it is looked for by halves.
local first = top + 1
local oldest = entry_from(0)
if oldest then
  first = tonumber(string.match(oldest[1], '^%d+'))
  if time_of(oldest[1]) + ttl <= now then
    local low, high = first, top + 1
    while low + 1 < high do
      local middle = math.floor((low + high) / 2)
      local entry = entry_from(middle)
      if entry and time_of(entry[1]) + ttl <= now then low = middle else high = middle end
    end
    first = high
  end
  first = math.max(first, top - size + 1)
end
local since, limit = tonumber(ARGV[7]), tonumber(ARGV[8])
local start, stop, complete = first, top, 1
if ARGV[6] ~= '' then
  if ARGV[6] == epoch and since >= first - 1 and since <= top then start = since + 1 else complete = 0 end
  if limit >= 0 then stop = math.min(stop, start + limit - 1) end
elseif limit >= 0 then
  start = math.max(start, stop - limit + 1)
end
if stop < start then return {epoch, top, complete, 0, {}} end
local bytes = tonumber(ARGV[9])
if bytes < 0 then
  local entries = redis.call('XRANGE', KEYS[2], string.format('%d', start), string.format('%d', stop))
  return {epoch, top, complete, stop - start + 1, entries}
end
local entries = {}
while start <= stop do
  local some = redis.call('XRANGE', KEYS[2], string.format('%d', start), string.format('%d', stop), 'COUNT', 16)
  for _, entry in ipairs(some) do
    entries[#entries + 1] = entry
    bytes = bytes - string.len(entry[2][2])
    if bytes <= 0 then return {epoch, top, complete, #entries, entries} end
  end
  start = start + #some
  if #some == 0 then return {epoch, top, complete, #entries + 1, entries} end
end
return {epoch, top, complete, #entries, entries}
""",
)

# KEYS: the sorted set, the hash of connections, the hash of members. ARGV: the run ID of the server, which is not used
# here.
_ROOM = """
local function read(member)
  local value = redis.call('HGET', KEYS[3], member)
  if not value then return 0, '' end
  local count, info = string.match(value, '^(%d+):(.*)$')
  return tonumber(count) or 0, info or ''
end
local function write(member, count, info)
  redis.call('HSET', KEYS[3], member, string.format('%d', count) .. ':' .. info)
end
-- Forgets a connection; returns its member if that has no other.
local function release(connection)
  local member = redis.call('HGET', KEYS[2], connection)
  redis.call('ZREM', KEYS[1], connection)
  if not member then return false end
  redis.call('HDEL', KEYS[2], connection)
  local count, info = read(member)
  if count > 1 then
    write(member, count - 1, info)
    return false
  end
  redis.call('HDEL', KEYS[3], member)
  return member
end
"""

# Further ARGV: connection, member, info, milliseconds to live, milliseconds that the keys live at least. Returns 1 if
# the member is new.
JOIN = Script(
    _TIME,
    _KEEP_FOR,
    _ROOM,
    """
local connection, member, info = ARGV[2], ARGV[3], ARGV[4]
local is_new = redis.call('HEXISTS', KEYS[3], member) == 0
release(connection)
local count = read(member)
write(member, count + 1, info)
redis.call('HSET', KEYS[2], connection, member)
redis.call('ZADD', KEYS[1], now + tonumber(ARGV[5]), connection)
for _, key in ipairs(KEYS) do keep_for(key, tonumber(ARGV[6])) end
return is_new and 1 or 0
""",
)

# Further ARGV: connection. Returns the member that is gone, or nothing.
LEAVE = Script(_ROOM, "return release(ARGV[2])")

# Further ARGV: 1 to remove expired connections, milliseconds to live, milliseconds that the keys live at least,
# connections. Returns the members that are gone.
KEEP = Script(
    _TIME,
    _KEEP_FOR,
    _ROOM,
    """
for number = 5, #ARGV do
  redis.call('ZADD', KEYS[1], 'XX', now + tonumber(ARGV[3]), ARGV[number])
end
local gone = {}
if ARGV[2] == '1' then
  for _, connection in ipairs(redis.call('ZRANGEBYSCORE', KEYS[1], '-inf', now)) do
    local member = release(connection)
    if member then gone[#gone + 1] = member end
  end
end
if #ARGV > 4 then
  for _, key in ipairs(KEYS) do keep_for(key, tonumber(ARGV[4])) end
end
return gone
""",
)

# KEYS: a hash with the time (`d`, microseconds) at which a token bucket is full. ARGV: the run ID of the server, which
# is not used here, calls, microseconds of the period. Returns the microseconds to wait; 0 if a call was taken. A hash
# needs no permission that presence does not need.
TAKE = Script(
    """
local time = redis.call('TIME')
local now = time[1] * 1000000 + time[2]
local calls, period = tonumber(ARGV[2]), tonumber(ARGV[3])
local due = math.max(tonumber(redis.call('HGET', KEYS[1], 'd')) or 0, now)
local wait = due - now - (period - period / calls)
if wait > 0 then return math.ceil(wait) end
due = math.floor(due + period / calls)
redis.call('HSET', KEYS[1], 'd', string.format('%d', due))
redis.call('PEXPIRE', KEYS[1], math.ceil((due - now) / 1000) + 1)
return 0
""",
)

# KEYS: a hash with the holder (`h`) of a lease, which the server deletes when the lease ends. ARGV: the run ID of the
# server, which is not used here, holder, milliseconds. Returns 1 if the holder has it.
HOLD = Script(
    """
local holder = redis.call('HGET', KEYS[1], 'h')
if holder and holder ~= ARGV[2] then return 0 end
if not holder then redis.call('HSET', KEYS[1], 'h', ARGV[2]) end
redis.call('PEXPIRE', KEYS[1], ARGV[3])
return 1
""",
)

# The same KEYS and ARGV, without the milliseconds.
RELEASE = Script("if redis.call('HGET', KEYS[1], 'h') == ARGV[2] then redis.call('DEL', KEYS[1]) end return 1")

# Returns the hash of connections, the expired ones, and the hash of members.
PRESENT = Script(
    _TIME,
    """
return {
  redis.call('HGETALL', KEYS[2]),
  redis.call('ZRANGEBYSCORE', KEYS[1], '-inf', now),
  redis.call('HGETALL', KEYS[3])
}
""",
)
