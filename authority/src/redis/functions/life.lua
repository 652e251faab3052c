-- The life cycle: after death, the books close and the next generation begins.

local BOOK = {
  'status', 'phase', 'damage', 'waited', 'open', 'hp_max', 'phases', 'collect', 'respawn', 'spec',
}

-- Takes out of an old book what nobody can speak of any more. Says whether somebody still can.
local function shrink(boss, generation, ids, journals)
  local is_open = false
  for _, id in ipairs(ids) do
    local it = totals_of(boss, generation, id)
    local speaks = journals[id] and journals[id]:match('^%d+ (.)') == '0'
    if not it.finished and speaks then
      is_open = true
    elseif not it.finished or it.applied > 0 then
      put_totals(boss, generation, id, { counted = 0, finished = true })
    end
  end
  return is_open
end

local function remove_book(boss, generation, ids)
  for _, name in ipairs(BOOK) do
    set(boss.state, generation .. ':' .. name, false)
  end
  for _, id in ipairs(ids) do
    set(boss.state, 't:' .. generation .. ':' .. id, false)
  end
end

-- Old books keep only what journals that have not said all may still speak of, and sealed journals
-- that stand in no book go.
local function drop_old(boss, generation)
  local fields = all(boss.state)
  local journals, entered = under(fields, 'j:'), {}
  for field in pairs(under(fields, 't:')) do
    local at, id = field:match('^(%d+):(.+)$')
    entered[at] = entered[at] or {}
    table.insert(entered[at], id)
  end
  local remains, left = {}, {}
  for at in books(boss) do
    if tonumber(at) + KEEP_GENERATIONS >= generation then
      table.insert(left, at)
    elseif shrink(boss, at, entered[at] or {}, journals) then
      table.insert(remains, at)
    else
      remove_book(boss, at, entered[at] or {})
    end
  end
  while #remains > REMAINS_MAX do
    local oldest = table.remove(remains, 1)
    remove_book(boss, oldest, entered[oldest])
  end
  local stands = {}
  for _, kept in ipairs({ remains, left }) do
    for _, at in ipairs(kept) do
      for _, id in ipairs(entered[at] or {}) do
        stands[id] = true
      end
    end
  end
  local books_left = table.concat(remains, ' ') .. ' ' .. table.concat(left, ' ')
  set(boss.state, 'books', books_left:match('^ ?(.*)$'))
  local count = tonumber(get(boss.state, 'journals'))
  for id, text in pairs(journals) do
    if text:match('^%d+ (.)') == '1' and not stands[id] then
      set(boss.state, 'j:' .. id, false)
      count = count - 1
    end
  end
  set(boss.state, 'journals', int(count))
end

-- Begins a generation whose log starts after `base`, the value before it.
local function begin(boss, keys, generation, base, ledger)
  local state, at = boss.state, int(generation)
  local before = get(state, 'version')
  append(boss, ('spawn g=%s hp=%s'):format(at, get(state, 'next:hp_max')), get(state, 'next:spec'))
  local fresh = { status = ALIVE, phase = '0', damage = '0', waited = '0', open = '0' }
  for _, name in ipairs(BOOK) do
    set(state, at .. ':' .. name, fresh[name] or get(state, 'next:' .. name))
  end
  set(state, 'generation', at)
  set(state, 'books', (get(state, 'books') .. ' ' .. at):match('^ ?(.*)$'))
  drop_old(boss, generation)
  local bases, ledgers = hash(keys[3]), hash(keys[4])
  local oldest = int(generation - KEEP_GENERATIONS)
  -- Both are read before the first write: a key of another type is refused while it can be.
  local trimmed = get(bases, oldest .. ':version')
  get(ledgers, at)
  if trimmed then
    local dropped = int(generation - KEEP_GENERATIONS - 1)
    set(bases, dropped, false)
    set(bases, dropped .. ':version', false)
    set(state, 'base', oldest)
    set(state, 'base_version', trimmed)
  end
  set(bases, at, base)
  set(bases, at .. ':version', before)
  if ledger ~= '' then
    set(ledgers, int(generation - 1), ledger)
    set(ledgers, int(generation - 1 - LEDGERS_MAX), false)
  end
  commit(boss)
  write(bases)
  write(ledgers)
  if trimmed then
    redis.call('XTRIM', boss.log, 'MINID', int(tonumber(trimmed) + 1) .. '-0')
  end
end

-- spec, hp_max, phases, collect_s, respawn_s, the value before the first entry
local function spawn(keys, args)
  local next_is = {
    spec = args[1], hp_max = int(number(args[2])), phases = args[3],
    collect = int(number(args[4])), respawn = int(number(args[5])),
  }
  may_write()
  local boss = open(keys)
  local word = 'next'
  if not boss then
    boss = unread(keys)
    local fresh = {
      version = '0', chain = START, generation = '0', players = '0', polls = '0', journals = '0',
      books = '', online = '', base = '0', base_version = '0', layout = LAYOUT,
    }
    for field, value in pairs(fresh) do
      set(boss.state, field, value)
    end
    word = 'begun'
  end
  for name, value in pairs(next_is) do
    if get(boss.state, 'next:' .. name) ~= value then
      set(boss.state, 'next:' .. name, value)
    end
  end
  if word == 'begun' then
    begin(boss, keys, 1, args[6], '')
  else
    commit(boss)
  end
  return answer(boss, word)
end

-- Journals that were silent for some polls no longer count as online.
local function sweep(boss, polls)
  local players, heard = 0, {}
  for id in get(boss.state, 'online'):gmatch('%x+') do
    local online, poll = get(boss.state, 'o:' .. id):match('^(%d+) (%d+)$')
    if polls - tonumber(poll) >= SILENT_POLLS then
      set(boss.state, 'o:' .. id, false)
    else
      table.insert(heard, id)
      players = players + tonumber(online)
    end
  end
  set(boss.state, 'online', table.concat(heard, ' '))
  set(boss.state, 'players', int(players))
end

-- One step of the life cycle, if the polls so far are those that the caller has seen: of many who
-- try, one succeeds. The next generation begins by a call of its own: it needs a folded value.
local function poll(keys, args)
  local seen = int(number(args[1]))
  may_write()
  local boss = open(keys)
  if not boss then
    return { 'no_boss' }
  end
  local state, at = boss.state, boss.generation
  if get(state, 'polls') ~= seen then
    return answer(boss, 'passed')
  end
  set(state, 'polls', int(number(seen) + 1))
  sweep(boss, number(seen) + 1)
  local status, waited = get(state, at .. ':status'), tonumber(get(state, at .. ':waited'))
  local turns, waits, word = nil, false, 'done'
  if status == DEFEATED then
    turns = COLLECTING
  elseif status == COLLECTING then
    local complete = get(state, at .. ':open') == '0'
    turns = (complete or waited >= tonumber(get(state, at .. ':collect'))) and CLOSED
    waits = not turns
  elseif status == CLOSED then
    waits = waited < tonumber(get(state, at .. ':respawn'))
    word = waits and word or 'over'
  end
  if turns then
    append(boss, ('status g=%s s=%s'):format(at, turns), '')
    set(state, at .. ':status', turns)
    set(state, at .. ':waited', '0')
  elseif waits then
    append(boss, ('wait g=%s'):format(at), '')
    set(state, at .. ':waited', int(waited + 1))
  end
  commit(boss)
  return answer(boss, word)
end

-- version, chain, the value there, the ledger of the generation that ends: the next one begins, if
-- the log still ends there.
local function next_generation(keys, args)
  local version = int(number(args[1]))
  may_write()
  local boss = open(keys)
  if not boss then
    return { 'no_boss' }
  end
  local at = boss.generation
  local is_there = get(boss.state, 'version') == version and get(boss.state, 'chain') == args[2]
  if not is_there or get(boss.state, at .. ':status') ~= CLOSED then
    return answer(boss, 'passed')
  end
  begin(boss, keys, tonumber(at) + 1, args[3], args[4])
  return answer(boss, 'begun')
end

local function truth(keys)
  local boss = open(keys)
  return boss and answer(boss, 'truth') or { 'no_boss' }
end

redis.register_function('worldboss_spawn_@HASH@', spawn)
redis.register_function('worldboss_join_@HASH@', join)
redis.register_function('worldboss_enter_@HASH@', enter)
redis.register_function('worldboss_push_@HASH@', push)
redis.register_function('worldboss_poll_@HASH@', poll)
redis.register_function('worldboss_next_@HASH@', next_generation)
redis.register_function({
  function_name = 'worldboss_truth_@HASH@', callback = truth, flags = { 'no-writes' },
})
