#!lua name=worldboss_@HASH@

-- The rules of hops 9 to 11 where Redis is the authority. They are those of authority/src/machine,
-- and the conformance suite holds both to the same answers and the same log.
--
-- Every function first checks its arguments, then reads, then appends to the log, then writes the
-- rest. What Redis may refuse (no memory, a replica, a key of another type) it refuses before the
-- first write, so a function changes everything that it has to or nothing.
-- Integers are decimal strings of at most 2^53 - 1: in Lua they are doubles, and exact up to there.
-- Players' totals ride in an entry's blob, which nothing in here looks into.
--
-- Keys, all with the boss's hash tag:
--   1 state    hash, read and written at once, since a call of Redis costs more than its work:
--              layout, version, chain, generation, players, journals (how many), online (the
--              journals that were heard lately), books (the generations that have one), base and
--              base_version (where the kept log begins)
--              term, executor, polls   the newest term, who reigns in it, and the polls of all
--                            who did
--              standings, standings_number   the newest leaderboard, which nothing in here reads
--              newest        the version of the newest value in bases
--              next:*        the scenario of generations to come
--              G:*           the book of generation G: status, phase, damage, waited, writers (the
--                            journals that have entered), hp_max, phases (the HP at which each
--                            begins), spec; credited and rewarded (the versions of these steps)
--              j:JOURNAL     "shard sealed successor"
--              t:G:JOURNAL   "counted finished late", once it has entered; late is - before the
--                            first late damage and goes on from counted
--              o:JOURNAL     "players poll": players online, and the poll in which it was heard
--   2 log      stream: id VERSION-0; chain, fields and blob of the entry
--   3 bases    hash: G -> the value before its first entry; G:version -> its version; newest -> a
--              newer value, if there is one

local INT_MAX = 9007199254740991
local KEEP_GENERATIONS = @KEEP_GENERATIONS@
local REMAINS_MAX = @REMAINS_MAX@
local JOURNALS_MAX = @JOURNALS_MAX@
local LINEAGE_MAX = @LINEAGE_MAX@
local SILENT_POLLS = @SILENT_POLLS@
-- Single digits, so that they are in order as strings.
local ALIVE, DEFEATED, COLLECTING, CLOSED, CREDITED, REWARDED = '1', '2', '3', '4', '5', '6'
-- The form of the keys. A build that changes it takes another number.
local LAYOUT = '2'
-- An answer tells players as an integer of 32 bits.
local PLAYERS_TOLD_MAX = 4294967295
local START = ('0'):rep(40)
local NOBODY = ('0'):rep(32)

-- Checked arguments.

local function int(number)
  return string.format('%.0f', number)
end

local function wrong(what)
  error({ err = 'BADARG ' .. what })
end

local function number(text)
  if not text or #text > 16 or not text:find('^%d+$') or tonumber(text) > INT_MAX then
    wrong('not an integer up to 2^53 - 1: ' .. tostring(text))
  end
  return tonumber(text)
end

-- A journal or an executor.
local function id_of(text)
  if not text or #text ~= 32 or text:find('[^0-9a-f]') then
    wrong('not an id: ' .. tostring(text))
  end
  return text
end

local function flag(text)
  if text ~= '0' and text ~= '1' then
    wrong('not a flag: ' .. tostring(text))
  end
  return text == '1'
end

-- One call: what it has read, and what it will write.

local function hash(key)
  return { key = key, read = {}, changed = {} }
end

-- Lua's stack takes some thousand arguments: calls for parts of a list, from one item to another.
local function in_parts(list, call)
  for first = 1, #list, 1000 do
    call(first, math.min(first + 999, #list))
  end
end

-- Reads fields that will be needed, at once.
local function fetch(in_hash, fields)
  in_parts(fields, function(first, last)
    for at, value in ipairs(redis.call('HMGET', in_hash.key, unpack(fields, first, last))) do
      in_hash.read[fields[first + at - 1]] = value
    end
  end)
end

-- A field's value; false if there is none.
local function get(in_hash, field)
  local value = in_hash.read[field]
  if value == nil then
    value = redis.call('HGET', in_hash.key, field)
    in_hash.read[field] = value
  end
  return value
end

-- Sets a field, or removes it if the value is false.
local function set(in_hash, field, value)
  in_hash.read[field] = value
  in_hash.changed[field] = value
end

-- Every field and its value.
local function all(in_hash)
  local flat, fields = redis.call('HGETALL', in_hash.key), {}
  for at = 1, #flat, 2 do
    fields[flat[at]] = flat[at + 1]
    if in_hash.read[flat[at]] == nil then
      in_hash.read[flat[at]] = flat[at + 1]
    end
  end
  for field, value in pairs(in_hash.changed) do
    fields[field] = value or nil
  end
  return fields
end

-- The fields whose names begin with a prefix, without it.
local function under(fields, prefix)
  local found = {}
  for field, value in pairs(fields) do
    if field:sub(1, #prefix) == prefix then
      found[field:sub(#prefix + 1)] = value
    end
  end
  return found
end

local function unread(keys)
  return { state = hash(keys[1]), log = keys[2], entries = {} }
end

-- The boss of a call, or nil if there is none. More fields may be named that will be needed.
local function open(keys, more)
  local boss = unread(keys)
  fetch(boss.state, {
    'version', 'chain', 'generation', 'players', 'polls', 'layout', unpack(more or {}),
  })
  boss.generation = get(boss.state, 'generation')
  if not get(boss.state, 'version') then
    return nil
  elseif get(boss.state, 'layout') ~= LAYOUT then
    error({ err = 'LAYOUT of the keys is ' .. tostring(get(boss.state, 'layout')) })
  end
  return boss
end

-- A right that is missing shows at its command, and then a part is written: asked before the rest
-- by all but the push, which nobody comes to without having entered.
local function may_write()
  for _, command in ipairs({ 'XADD', 'XTRIM', 'HSET', 'HDEL' }) do
    if not redis.acl_check_cmd(command) then
      error({ err = 'RIGHTS to run ' .. command .. ' are missing' })
    end
  end
end

local function append(boss, line, blob)
  local version = int(tonumber(get(boss.state, 'version')) + 1)
  local chain =
    redis.sha1hex(get(boss.state, 'chain') .. ' ' .. version .. ' ' .. line .. '\n' .. blob)
  table.insert(boss.entries, { version, chain, line, blob })
  set(boss.state, 'version', version)
  set(boss.state, 'chain', chain)
end

local function write(in_hash)
  local sets, removed = {}, {}
  for field, value in pairs(in_hash.changed) do
    if value then
      table.insert(sets, field)
      table.insert(sets, value)
    else
      table.insert(removed, field)
    end
  end
  in_parts(sets, function(first, last)
    redis.call('HSET', in_hash.key, unpack(sets, first, last))
  end)
  in_parts(removed, function(first, last)
    redis.call('HDEL', in_hash.key, unpack(removed, first, last))
  end)
end

-- The log first: it is what Redis could still refuse, since an id must be above those before it.
local function commit(boss)
  for _, entry in ipairs(boss.entries) do
    redis.call(
      'XADD', boss.log, entry[1] .. '-0', 'chain', entry[2], 'fields', entry[3], 'blob', entry[4]
    )
  end
  write(boss.state)
end

-- Answers are arrays of strings: a word, what belongs to it, and the truth.
local function answer(boss, ...)
  local state, at = boss.state, get(boss.state, 'generation')
  local said = { ... }
  for _, value in ipairs({
    get(state, 'version'), get(state, 'chain'), at, get(state, at .. ':hp_max'),
    get(state, at .. ':damage'), get(state, at .. ':status'), get(state, at .. ':phase'),
    int(math.min(tonumber(get(state, 'players')), PLAYERS_TOLD_MAX)), get(state, at .. ':waited'),
    get(state, 'polls'),
  }) do
    table.insert(said, value)
  end
  return said
end
