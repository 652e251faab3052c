-- A boss's generations: the first one begins when it is spawned, the next ones after settlements.

local BOOK = {
  'status', 'phase', 'damage', 'waited', 'writers', 'hp_max', 'phases', 'spec', 'credited',
  'rewarded',
}

-- Takes out of an old book what nobody can speak of any more. Says whether somebody still can.
local function shrink(boss, generation, journals)
  local is_open = false
  for _, id in ipairs(writers(boss, generation)) do
    local it = totals_of(boss, generation, id)
    local speaks = journals[id] and journals[id]:match('^%d+ (.)') == '0'
    if not it.finished and speaks then
      is_open = true
    elseif not it.finished or it.applied > 0 then
      put_totals(boss, generation, id, { counted = 0, finished = true })
    end
  end
  set(boss.state, generation .. ':credited', false)
  set(boss.state, generation .. ':rewarded', false)
  return is_open
end

local function remove_book(boss, generation)
  for _, id in ipairs(writers(boss, generation)) do
    set(boss.state, 't:' .. generation .. ':' .. id, false)
  end
  for _, name in ipairs(BOOK) do
    set(boss.state, generation .. ':' .. name, false)
  end
end

-- Sealed journals that stand in no book go, and so does what was heard of them, at the latest when
-- their players no longer count.
local function drop_journals(boss, journals)
  local stands, online = {}, {}
  for generation in books(boss) do
    for _, id in ipairs(writers(boss, generation)) do
      stands[id] = true
    end
  end
  for id in get(boss.state, 'online'):gmatch('%x+') do
    online[id] = true
  end
  local count = tonumber(get(boss.state, 'journals'))
  for id, text in pairs(journals) do
    if text:match('^%d+ (.)') == '1' and not stands[id] then
      set(boss.state, 'j:' .. id, false)
      count = count - 1
      if not online[id] then
        set(boss.state, 'o:' .. id, false)
      end
    end
  end
  set(boss.state, 'journals', int(count))
end

-- Old books keep only what journals that have not said all may still speak of.
local function drop_old(boss, generation)
  local journals = under(all(boss.state), 'j:')
  local remains, left = {}, {}
  for at in books(boss) do
    if tonumber(at) + KEEP_GENERATIONS >= generation then
      table.insert(left, at)
    elseif shrink(boss, at, journals) then
      table.insert(remains, at)
    else
      remove_book(boss, at)
    end
  end
  while #remains > REMAINS_MAX do
    remove_book(boss, table.remove(remains, 1))
  end
  local books_left = table.concat(remains, ' ') .. ' ' .. table.concat(left, ' ')
  set(boss.state, 'books', books_left:match('^ ?(.*)$'))
  drop_journals(boss, journals)
end

-- Begins a generation whose log starts after `base`, the value before it.
local function begin(boss, keys, generation, base)
  local state, at = boss.state, int(generation)
  local before = get(state, 'version')
  local line = ('spawn g=%s n=%s hp=%s'):format(at, get(state, 'term'), get(state, 'next:hp_max'))
  append(boss, line, get(state, 'next:spec'))
  local book = { status = ALIVE, phase = '0', damage = '0', waited = '0', writers = '' }
  for _, name in ipairs({ 'hp_max', 'phases', 'spec' }) do
    book[name] = get(state, 'next:' .. name)
  end
  for name, value in pairs(book) do
    set(state, at .. ':' .. name, value)
  end
  set(state, 'generation', at)
  set(state, 'newest', before)
  set(state, 'books', (get(state, 'books') .. ' ' .. at):match('^ ?(.*)$'))
  drop_old(boss, generation)
  local bases = hash(keys[3])
  local oldest = int(generation - KEEP_GENERATIONS)
  -- Read before the first write: a key of another type is refused while it can be.
  local trimmed = get(bases, oldest .. ':version')
  if trimmed then
    local dropped = int(generation - KEEP_GENERATIONS - 1)
    set(bases, dropped, false)
    set(bases, dropped .. ':version', false)
    set(state, 'base', oldest)
    set(state, 'base_version', trimmed)
  end
  set(bases, at, base)
  set(bases, at .. ':version', before)
  set(bases, 'newest', false)
  commit(boss)
  write(bases)
  if trimmed then
    redis.call('XTRIM', boss.log, 'MINID', int(tonumber(trimmed) + 1) .. '-0')
  end
end

-- spec, hp_max, phases, the value before the first entry
local function spawn(keys, args)
  local next_is = { spec = args[1], hp_max = int(number(args[2])), phases = args[3] }
  may_write()
  local boss = open(keys)
  local word = 'next'
  if not boss then
    boss = unread(keys)
    local fresh = {
      version = '0', chain = START, generation = '0', players = '0', polls = '0', journals = '0',
      books = '', online = '', base = '0', base_version = '0', layout = LAYOUT, term = '0',
      executor = NOBODY,
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
    begin(boss, keys, 1, args[4])
  else
    commit(boss)
  end
  return answer(boss, word)
end

local function truth(keys)
  local boss = open(keys)
  return boss and answer(boss, 'truth') or { 'no_boss' }
end
