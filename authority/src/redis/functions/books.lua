-- Books and journals: what a generation knows of who writes to it.

local function journal_of(boss, id)
  local text = get(boss.state, 'j:' .. id)
  if not text then
    return nil
  end
  local shard, sealed, successor = text:match('^(%d+) ([01]) (.+)$')
  return { shard = shard, sealed = sealed == '1', successor = successor }
end

local function put_journal(boss, id, it)
  local sealed = it.sealed and '1' or '0'
  set(boss.state, 'j:' .. id, it.shard .. ' ' .. sealed .. ' ' .. it.successor)
end

-- A journal's totals in a book: zero, and not entered, if there are none.
local function totals_of(boss, generation, id)
  local text = get(boss.state, 't:' .. generation .. ':' .. id)
  local counted, finished, late = (text or '0 0 -'):match('^(%d+) ([01]) (.+)$')
  local it = { counted = tonumber(counted), entered = text and true, finished = finished == '1' }
  it.late = late ~= '-' and tonumber(late) or nil
  it.applied = it.late or it.counted
  return it
end

-- Writes the totals of a journal, which has entered with them.
local function put_totals(boss, generation, id, it)
  local field = 't:' .. generation .. ':' .. id
  if not get(boss.state, field) then
    local writers = generation .. ':writers'
    set(boss.state, writers, get(boss.state, writers) .. ' ' .. id)
  end
  local finished = it.finished and '1' or '0'
  local late = it.late and int(it.late) or '-'
  set(boss.state, field, int(it.counted) .. ' ' .. finished .. ' ' .. late)
end

-- The journals that have entered a generation.
local function writers(boss, generation)
  local ids = {}
  for id in get(boss.state, generation .. ':writers'):gmatch('%x+') do
    table.insert(ids, id)
  end
  return ids
end

-- Whether the books of a generation with this status are closed.
local function is_closed(status)
  return status and status >= CLOSED
end

local function books(boss)
  return get(boss.state, 'books'):gmatch('%d+')
end

-- Nothing that a sealed journal says counts any more.
local function seal(boss, id, successor)
  local it = journal_of(boss, id)
  it.sealed = true
  if it.successor == '-' and successor then
    it.successor = successor
  end
  put_journal(boss, id, it)
  for generation in books(boss) do
    local totals = totals_of(boss, generation, id)
    if totals.entered then
      totals.finished = true
      put_totals(boss, generation, id, totals)
    end
  end
end

local function add_journal(boss, id, shard, parent, inherits)
  local line = 'join j=%s s=%s p=%s i=%s'
  append(boss, line:format(id, shard, parent or '-', inherits and '1' or '0'), '')
  if parent then
    seal(boss, parent, inherits and id)
  end
  put_journal(boss, id, { shard = shard, sealed = false, successor = '-' })
  set(boss.state, 'journals', int(tonumber(get(boss.state, 'journals')) + 1))
end

local function add_enter(boss, id, generation)
  append(boss, ('enter j=%s g=%s'):format(id, generation), '')
  local totals = totals_of(boss, generation, id)
  totals.finished = false
  put_totals(boss, generation, id, totals)
end
