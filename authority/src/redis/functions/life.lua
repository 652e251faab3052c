-- The life cycle: after death, the books close and the next generation begins.

local BOOK = {
  'status', 'phase', 'damage', 'waited', 'open', 'hp_max', 'phases', 'collect', 'respawn', 'spec',
}

-- Takes out of an old book what nobody can speak of any more. Says whether somebody still can.
local function shrink(boss, generation, totals, journals)
  local is_open = false
  for field in pairs(totals) do
    local at, id = field:match('^(%d+):(.+)$')
    if at == generation then
      local it = totals_of(boss, at, id)
      local speaks = journals[id] and journals[id]:match('^%d+ (.)') == '0'
      if not it.entered then
        set(boss.state, 't:' .. field, false)
      elseif it.finished or not speaks then
        put_totals(boss, at, id, { counted = 0, entered = true, finished = true })
      else
        is_open = true
      end
    end
  end
  return is_open
end

local function remove_book(boss, generation, totals)
  for _, name in ipairs(BOOK) do
    set(boss.state, generation .. ':' .. name, false)
  end
  for field in pairs(totals) do
    if field:match('^%d+') == generation then
      set(boss.state, 't:' .. field, false)
    end
  end
end

-- Old books keep only what journals that have not said all may still speak of, and sealed journals
-- that stand in no book go.
local function drop_old(boss, generation)
  local fields = all(boss.state)
  local totals, journals = under(fields, 't:'), under(fields, 'j:')
  local remains, left = {}, {}
  for at in books(boss) do
    if tonumber(at) + KEEP_GENERATIONS >= generation then
      table.insert(left, at)
    elseif shrink(boss, at, totals, journals) then
      table.insert(remains, at)
    else
      remove_book(boss, at, totals)
    end
  end
  while #remains > REMAINS_MAX do
    remove_book(boss, table.remove(remains, 1), totals)
  end
  local books_left = table.concat(remains, ' ') .. ' ' .. table.concat(left, ' ')
  set(boss.state, 'books', books_left:match('^ ?(.*)$'))
  local stands = {}
  for field in pairs(under(all(boss.state), 't:')) do
    local at, id = field:match('^(%d+):(.+)$')
    stands[id] = stands[id] or totals_of(boss, at, id).entered
  end
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
    for field in pairs(all(bases)) do
      if tonumber(field:match('^%d+')) < tonumber(oldest) then
        set(bases, field, false)
      end
    end
    set(state, 'base', oldest)
    set(state, 'base_version', trimmed)
  end
  set(bases, at, base)
  set(bases, at .. ':version', before)
  if ledger ~= '' then
    set(ledgers, int(generation - 1), ledger)
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
  local boss = open(keys)
  local word = 'next'
  if not boss then
    boss = unread(keys)
    local fresh = {
      version = '0', chain = START, generation = '0', players = '0', polls = '0', journals = '0',
      books = '', base = '0', base_version = '0',
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
  local players = 0
  for id, text in pairs(under(all(boss.state), 'o:')) do
    local online, heard = text:match('^(%d+) (%d+)$')
    if polls - tonumber(heard) >= SILENT_POLLS then
      set(boss.state, 'o:' .. id, false)
    else
      players = players + tonumber(online)
    end
  end
  set(boss.state, 'players', int(players))
end

-- One step of the life cycle, if the polls so far are those that the caller has seen: of many who
-- try, one succeeds. The next generation begins by a call of its own: it needs a folded value.
local function poll(keys, args)
  local seen = int(number(args[1]))
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

-- version, the value there, the ledger of the generation that ends: the next one begins, if the log
-- still ends there.
local function next_generation(keys, args)
  local version = int(number(args[1]))
  local boss = open(keys)
  if not boss then
    return { 'no_boss' }
  end
  local at = boss.generation
  if get(boss.state, 'version') ~= version or get(boss.state, at .. ':status') ~= CLOSED then
    return answer(boss, 'passed')
  end
  begin(boss, keys, tonumber(at) + 1, args[2], args[3])
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
