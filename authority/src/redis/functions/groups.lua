-- Groups: logs of shared structures. What an edit does, nothing in here looks into.
--
-- Keys, all with the group's hash tag:
--   1 state    hash: layout, schema, version, chain, bytes (of all edits up to there), ordered (the
--              version of the newest ordered edit)
--              base          "version chain bytes": where the kept log begins
--              newest, older "version chain bytes hash size keeper": the values that are kept
--              barred        the keepers whose values were wrong, the newest last
--              w:WRITER      "seq version": its last edit
--              writers       how many of them there are
--              forgotten     the newest version of a writer that was forgotten to make room
--              swept         the newest kept version, or the base, behind which all writers were when
--                            there was no room
--   2 log      stream: id VERSION-0; chain, bytes (as in state) and edit of the entry
--   3 kept     hash: version -> the value's bytes

-- The form of a group's keys. A build that changes it takes another number.
local GROUP_LAYOUT = '1'
local GROUPS_MAX = @GROUPS_MAX@
local GROUP_WRITERS_MAX = @GROUP_WRITERS_MAX@
local GROUP_UPDATES_BYTES_MAX = @GROUP_UPDATES_BYTES_MAX@
local GROUP_VALUE_BYTES_MAX = @GROUP_VALUE_BYTES_MAX@
local GROUP_MARK_ENTRIES = @GROUP_MARK_ENTRIES@
local GROUP_LOG_ENTRIES_MAX = @GROUP_LOG_ENTRIES_MAX@
local GROUP_LOG_BYTES_MAX = @GROUP_LOG_BYTES_MAX@
local GROUP_BARRED_MAX = @GROUP_BARRED_MAX@
-- Up to these, an answer carries what was missed; beyond, the asker reads it, so that no answer
-- keeps Redis busy for long.
local CARRIED_ENTRIES_MAX, CARRIED_BYTES_MAX = @CARRIED_ENTRIES_MAX@, @CARRIED_BYTES_MAX@

local function hex_of(text, digits)
  if not text or #text ~= digits or text:find('[^0-9a-f]') then
    wrong('not ' .. digits .. ' hexadecimal digits: ' .. tostring(text))
  end
  return text
end

-- A version, or nil for -.
local function maybe(text)
  return text ~= '-' and number(text) or nil
end

local function refused(why)
  return { 'refused', why }
end

-- A kept value as answers tell it.
local function told(kept)
  return kept and kept.text or '-'
end

-- A value that is kept, or nil.
local function kept_of(text)
  if not text then
    return nil
  end
  local version, chain, bytes, size, keeper =
    text:match('^(%d+) (%x+) (%d+) %x+ (%d+) (%x+)$')
  return {
    text = text, version = tonumber(version), chain = chain, bytes = tonumber(bytes),
    size = tonumber(size), keeper = keeper,
  }
end

-- The group of a call; nil and a refusal if it can't be used.
local function open_group(keys, schema, more)
  local state = hash(keys[1])
  fetch(state, {
    'version', 'chain', 'bytes', 'layout', 'schema', 'base', 'newest', 'older', unpack(more or {}),
  })
  if not get(state, 'version') then
    return nil, refused('no_group')
  elseif get(state, 'layout') ~= GROUP_LAYOUT then
    error({ err = 'LAYOUT of the keys is ' .. tostring(get(state, 'layout')) })
  elseif schema and get(state, 'schema') ~= schema then
    return nil, refused('schema')
  end
  local version, chain, bytes = get(state, 'base'):match('^(%d+) (%x+) (%d+)$')
  return {
    state = state, log = keys[2],
    version = tonumber(get(state, 'version')), chain = get(state, 'chain'),
    bytes = tonumber(get(state, 'bytes')),
    base = { version = tonumber(version), chain = chain, bytes = tonumber(bytes) },
    newest = kept_of(get(state, 'newest')), older = kept_of(get(state, 'older')),
  }
end

-- The bytes of all edits up to a position; nil if the kept log does not have it.
local function bytes_at(group, version, chain)
  for _, known in ipairs({ group, group.base }) do
    if version == known.version then
      return chain == known.chain and known.bytes or nil
    end
  end
  if version < group.base.version or version > group.version then
    return nil
  end
  local id = int(version) .. '-0'
  local entry = redis.call('XRANGE', group.log, id, id)[1]
  return entry and entry[2][2] == chain and tonumber(entry[2][4]) or nil
end

-- Bytes of the edits from a position to a kept value, at least: those up to the first mark are left
-- out, since the machine remembers no others.
local function bytes_between(group, seen, kept)
  if seen.version >= kept.version then
    return 0
  elseif seen.version == group.base.version then
    return kept.bytes - group.base.bytes
  end
  local mark = math.ceil(seen.version / GROUP_MARK_ENTRIES) * GROUP_MARK_ENTRIES
  local id = int(mark) .. '-0'
  local entry = redis.call('XRANGE', group.log, id, id)[1]
  return entry and kept.bytes - tonumber(entry[2][4]) or 0
end

-- Where a page begins, and how: it goes on from what was seen, or from a kept value, or from the
-- structure's first one. Nil if nothing is left but what is in doubt.
local function beginning(group, seen, distrust)
  local kept = group.newest
  if kept and kept.version == distrust then
    kept = group.older
  end
  local bytes = seen and bytes_at(group, seen.version, seen.chain)
  if bytes and not (kept and bytes_between(group, seen, kept) > kept.size) then
    return 'on', { version = seen.version, chain = seen.chain, bytes = bytes }
  elseif kept then
    return 'kept', kept
  elseif group.base.version == 0 then
    return 'first', group.base
  end
  return nil
end

-- Adds a page to an answer: the newest mark and the head; how it begins and where; how many entries
-- follow, and either all of them or none.
local function tell_page(answer, group, seen, distrust)
  local how, from = beginning(group, seen, distrust)
  if not how then
    return refused('not_in_the_log')
  end
  local left = group.version - from.version
  for _, item in ipairs({
    told(group.newest), int(group.version), group.chain, how, int(from.version), from.chain,
    int(left),
  }) do
    table.insert(answer, item)
  end
  local is_short = left <= CARRIED_ENTRIES_MAX and group.bytes - from.bytes <= CARRIED_BYTES_MAX
  if left > 0 and is_short then
    for _, entry in ipairs(
      redis.call('XRANGE', group.log, '(' .. int(from.version) .. '-0', '+')
    ) do
      table.insert(answer, entry[2][2])
      table.insert(answer, entry[2][6])
    end
  end
  return answer
end

-- name: whether there is room for one more group.
local function register(keys, args)
  local name = args[1] or wrong('no name')
  if redis.call('SISMEMBER', keys[1], name) == 1 then
    return { 'registered' }
  elseif redis.call('SCARD', keys[1]) >= GROUPS_MAX then
    return refused('too_many_groups')
  end
  redis.call('SADD', keys[1], name)
  return { 'registered' }
end

-- schema, where such a log begins, whether to begin it
local function found(keys, args)
  local schema, start, create = hex_of(args[1], 16), hex_of(args[2], 40), flag(args[3])
  may_write()
  local group, refusal = open_group(keys, schema)
  if group then
    return { 'founded', int(group.version), group.chain }
  elseif refusal[2] ~= 'no_group' or not create then
    return refusal
  end
  local state = hash(keys[1])
  for field, value in pairs({
    layout = GROUP_LAYOUT, schema = schema, version = '0', chain = start, bytes = '0',
    ordered = '0', base = '0 ' .. start .. ' 0', writers = '0', forgotten = '0', swept = '0',
    barred = '',
  }) do
    set(state, field, value)
  end
  write(state)
  return { 'founded', '0', start }
end

-- Forgets the writers whose last edits are not in the kept log any more, or if there are none,
-- those whose last edits are not behind the newest kept value. False if there are none either.
local function make_room(group)
  local state, base = group.state, group.base.version
  local kept = group.newest and group.newest.version or base
  if tonumber(get(state, 'swept')) == kept then
    return false
  end
  local lasts, oldest = {}, math.huge
  for writer, last in pairs(under(all(state), 'w:')) do
    lasts[writer] = tonumber(last:match('%d+$'))
    oldest = math.min(oldest, lasts[writer])
  end
  if oldest > kept then
    set(state, 'swept', int(kept))
    return false
  end
  local bound = oldest <= base and base or kept
  local newest, count = tonumber(get(state, 'forgotten')), 0
  for writer, version in pairs(lasts) do
    if version <= bound then
      set(state, 'w:' .. writer, false)
      newest, count = math.max(newest, version), count + 1
    end
  end
  set(state, 'writers', int(tonumber(get(state, 'writers')) - count))
  set(state, 'forgotten', int(newest))
  return true
end

-- What the writer's number says of an edit, if it can't go into the log: a verdict, the version
-- where the edit is, the number that is wanted.
local function by_number(group, it)
  local last, at = (get(group.state, 'w:' .. it.writer) or '0 0'):match('^(%d+) (%d+)$')
  local next_one = tonumber(last) + 1
  if it.seq == 0 or it.seq < tonumber(last) then
    return 'old', '0', '0'
  elseif it.seq == tonumber(last) then
    return 'duplicate', at, '0'
  elseif it.seq > next_one then
    return 'gap', '0', int(next_one)
  elseif it.seq == 1 and it.seen.version < tonumber(get(group.state, 'forgotten')) then
    return 'forgotten', '0', '0'
  end
  return nil
end

-- Why there is no room for an edit, if so.
local function no_room(group, it)
  local is_known = get(group.state, 'w:' .. it.writer)
  local is_full = tonumber(get(group.state, 'writers')) >= GROUP_WRITERS_MAX
  if not is_known and is_full and not make_room(group) then
    return 'too_many_writers'
  end
  local is_long = group.version - group.base.version >= GROUP_LOG_ENTRIES_MAX
    or group.bytes - group.base.bytes >= GROUP_LOG_BYTES_MAX
  -- Without a mark behind the newest kept value, nobody could ever let the log's beginning go.
  local last_mark = group.version - group.version % GROUP_MARK_ENTRIES
  if is_long and last_mark > (group.newest and group.newest.version or 0) then
    return 'full'
  end
  return nil
end

-- Whether an edit rests on what is still so: no ordered edit has followed, and what its writer has
-- seen is of this log. What is older than the kept log passes.
local function is_met(group, it)
  local ordered = tonumber(get(group.state, 'ordered'))
  if it.expect < ordered or it.expect > group.version then
    return false
  end
  local seen = it.seen
  return seen.version < group.base.version
    or bytes_at(group, seen.version, seen.chain) ~= nil
end

local function append_edit(group, it)
  local state, version = group.state, int(group.version + 1)
  local chain = redis.sha1hex(group.chain .. ' ' .. version .. ' update\n' .. it.edit)
  local bytes = int(group.bytes + #it.edit)
  if not get(state, 'w:' .. it.writer) then
    set(state, 'writers', int(tonumber(get(state, 'writers')) + 1))
  end
  set(state, 'w:' .. it.writer, int(it.seq) .. ' ' .. version)
  set(state, 'version', version)
  set(state, 'chain', chain)
  set(state, 'bytes', bytes)
  if it.ordered then
    set(state, 'ordered', version)
  end
  -- The log first: it is what Redis could still refuse.
  redis.call('XADD', group.log, version .. '-0', 'chain', chain, 'bytes', bytes, 'edit', it.edit)
  write(state)
  return version, chain
end

-- schema, writer, its number, ordered, bytes of the updates, the edit, the version expected or -,
-- and what the writer has seen: version, chain
local function propose(keys, args)
  local it = {
    schema = hex_of(args[1], 16), writer = id_of(args[2]), seq = number(args[3]),
    ordered = flag(args[4]), size = number(args[5]), edit = args[6], expect = maybe(args[7]),
    seen = { version = number(args[8]), chain = hex_of(args[9], 40) },
  }
  may_write()
  local group, refusal =
    open_group(keys, it.schema, { 'ordered', 'writers', 'forgotten', 'w:' .. it.writer })
  if not group then
    return refusal
  elseif it.size > GROUP_UPDATES_BYTES_MAX then
    return refused('too_large')
  end
  local verdict, version, want = by_number(group, it)
  local why = not verdict and no_room(group, it)
  if why == 'too_many_writers' then
    -- Nothing but that nobody has to look again before the log begins later.
    write(group.state)
  end
  if why then
    return refused(why)
  end
  if not verdict and it.expect and not is_met(group, it) then
    verdict, version, want = 'conflict', int(group.version), '0'
  end
  -- The writer has its own entry, so the page ends before it.
  local page, chain = tell_page({}, group, it.seen), '-'
  if not verdict then
    version, chain = append_edit(group, it)
    verdict, want = 'committed', '0'
  end
  return { 'proposed', verdict, version, want, chain, unpack(page) }
end

-- schema, what was seen: version, chain, or - and -; the version that is distrusted, or -
local function follow(keys, args)
  local schema, version, distrust = hex_of(args[1], 16), maybe(args[2]), maybe(args[4])
  local seen = version and { version = version, chain = hex_of(args[3], 40) }
  local group, refusal = open_group(keys, schema)
  if not group then
    return refusal
  end
  return tell_page({ 'page' }, group, seen, distrust)
end

local function is_barred(group, keeper)
  return get(group.state, 'barred'):find(keeper, 1, true) ~= nil
end

-- Why a value is not kept, if so, and else the bytes of all edits up to it.
local function weigh_value(group, it)
  local newest = group.newest and group.newest.version or 0
  if it.size > GROUP_VALUE_BYTES_MAX then
    return 'too_large'
  elseif is_barred(group, it.keeper) then
    return 'barred'
  elseif it.version == 0 or it.version % GROUP_MARK_ENTRIES ~= 0 then
    return 'not_a_mark'
  elseif it.version <= newest then
    return 'too_old'
  end
  local bytes = bytes_at(group, it.version, it.chain)
  if not bytes then
    return 'not_in_the_log'
  end
  return not it.is_right and 'wrong_hash' or nil, bytes
end

-- The value becomes the newest one; the log begins at the one before it.
local function keep(group, kept, it, bytes)
  local state, dropped, base = group.state, group.older, group.newest
  local text = ('%s %s %s %s %s %s'):format(
    int(it.version), it.chain, int(bytes), it.digest, int(it.size), it.keeper
  )
  set(state, 'newest', text)
  set(state, 'older', base and base.text or false)
  set(kept, int(it.version), it.value)
  if dropped then
    set(kept, int(dropped.version), false)
  end
  if base then
    set(state, 'base', ('%s %s %s'):format(int(base.version), base.chain, int(base.bytes)))
  end
  write(kept)
  write(state)
  if base then
    redis.call('XTRIM', group.log, 'MINID', int(base.version + 1) .. '-0')
  end
  return kept_of(text)
end

-- schema, keeper, version, chain, the value's hash, its length, whether the hash is right, and the
-- value
local function checkpoint(keys, args)
  local it = {
    schema = hex_of(args[1], 16), keeper = id_of(args[2]), version = number(args[3]),
    chain = hex_of(args[4], 40), digest = hex_of(args[5], 16), size = number(args[6]),
    is_right = flag(args[7]), value = args[8],
  }
  may_write()
  local group, refusal = open_group(keys, it.schema, { 'barred' })
  if not group then
    return refusal
  end
  local why, bytes = weigh_value(group, it)
  if why then
    return refused(why)
  end
  local kept = hash(keys[3])
  -- Read before the first write: keys of another type are refused while they can be.
  get(kept, '')
  redis.call('XRANGE', group.log, '-', '+', 'COUNT', '1')
  return { 'kept', told(keep(group, kept, it, bytes)) }
end

-- schema, the version whose value is wrong
local function dispute(keys, args)
  local schema, version = hex_of(args[1], 16), number(args[2])
  may_write()
  local group, refusal = open_group(keys, schema, { 'barred' })
  if not group then
    return refusal
  end
  local state, wrong_one = group.state, group.newest
  -- The value at the base is all that remains of what was before it.
  if not wrong_one or wrong_one.version ~= version or version == group.base.version then
    return { 'kept', told(wrong_one) }
  end
  local kept = hash(keys[3])
  get(kept, '')
  local barred = {}
  for keeper in get(state, 'barred'):gmatch('%x+') do
    table.insert(barred, keeper)
  end
  if not is_barred(group, wrong_one.keeper) then
    table.insert(barred, wrong_one.keeper)
  end
  local first = math.max(#barred - GROUP_BARRED_MAX + 1, 1)
  set(state, 'barred', table.concat(barred, ' ', first))
  set(state, 'newest', group.older and group.older.text or false)
  set(state, 'older', false)
  set(kept, int(version), false)
  write(kept)
  write(state)
  return { 'disputed', told(group.older), wrong_one.keeper }
end

-- writer
local function leave(keys, args)
  local field = 'w:' .. id_of(args[1])
  may_write()
  local group, refusal = open_group(keys, nil, { field, 'writers' })
  if not group then
    return refusal
  end
  if get(group.state, field) then
    set(group.state, field, false)
    set(group.state, 'writers', int(tonumber(get(group.state, 'writers')) - 1))
    write(group.state)
  end
  return { 'kept', told(group.newest) }
end

redis.register_function('worldboss_register_@HASH@', register)
redis.register_function('worldboss_found_@HASH@', found)
redis.register_function('worldboss_propose_@HASH@', propose)
redis.register_function('worldboss_checkpoint_@HASH@', checkpoint)
redis.register_function('worldboss_dispute_@HASH@', dispute)
redis.register_function('worldboss_leave_@HASH@', leave)
redis.register_function({
  function_name = 'worldboss_follow_@HASH@', callback = follow, flags = { 'no-writes' },
})
