-- Joins: a new journal takes over from those before it on the same disk.

-- Whether a claim has damage in the generation that is about to begin, again.
local function is_ahead(boss, claims)
  local at = boss.generation
  if get(boss.state, at .. ':status') < CLOSED then
    return false
  end
  local next_one = int(tonumber(at) + 1)
  for _, claim in ipairs(claims) do
    for _, rest in ipairs(claim.rests) do
      if rest.generation == next_one and rest.to > 0 then
        return true
      end
    end
  end
  return false
end

-- Whether a shard still has its book of a generation, also when it has said its last there: it keeps
-- it until the next generation is over, or until its beginning was taken back.
local function is_on_disks(boss, generation)
  local next_one = int(tonumber(generation) + 1)
  local is_open = not is_closed(get(boss.state, boss.generation .. ':status'))
  return generation == boss.generation or is_open and next_one == boss.generation
end

-- What is to be done with a claim: fits, stale, or the gap's generation and total.
local function weigh(boss, claim)
  local journal = journal_of(boss, claim.id)
  if journal and journal.sealed then
    return 'stale'
  end
  for generation in books(boss) do
    local totals = totals_of(boss, generation, claim.id)
    local has_book = totals.entered and not totals.finished or is_on_disks(boss, generation)
    local known = has_book and 0 or nil
    for _, rest in ipairs(claim.rests) do
      if rest.generation == generation then
        known = rest.to
        break
      end
    end
    if known and known < totals.applied then
      return 'stale'
    end
  end
  for _, rest in ipairs(claim.rests) do
    local applied = totals_of(boss, rest.generation, claim.id).applied
    if get(boss.state, rest.generation .. ':status') and applied < rest.from then
      return 'gap', rest.generation, applied
    end
  end
  return 'fits'
end

-- Takes what a claimed journal had synced. One that is not known, because the authority was rolled
-- back since, is taken up again as the successor of the one before it.
local function take_up(boss, shard, before, claim)
  if not journal_of(boss, claim.id) then
    local parent = before and journal_of(boss, before)
    add_journal(boss, claim.id, shard, before, parent and not parent.sealed)
  end
  for _, rest in ipairs(claim.rests) do
    local status = get(boss.state, rest.generation .. ':status')
    if status and not journal_of(boss, claim.id).sealed then
      if not is_closed(status) and not totals_of(boss, rest.generation, claim.id).entered then
        add_enter(boss, claim.id, rest.generation)
      end
      take(boss, claim.id, rest)
    end
  end
end

local function joined(boss, inherits, claims)
  local late = false
  for generation in books(boss) do
    for _, claim in ipairs(claims) do
      local totals = totals_of(boss, generation, claim.id)
      late = late or totals.late ~= nil and totals.late > totals.counted
    end
  end
  commit(boss)
  local spec = get(boss.state, get(boss.state, 'generation') .. ':spec')
  return answer(boss, 'joined', inherits and '1' or '0', late and '1' or '0', spec)
end

-- journal, shard, and of each claim: journal, count of rests, and of each rest: generation, from,
-- to, blob
local function claims_of(args)
  local claims, at = {}, 3
  while args[at] do
    local claim = { id = id_of(args[at]), rests = {} }
    local count = number(args[at + 1])
    at = at + 2
    for _ = 1, count do
      local from, to = number(args[at + 1]), number(args[at + 2])
      local generation, blob = int(number(args[at])), args[at + 3] or wrong('a rest has no blob')
      table.insert(claim.rests, { generation = generation, from = from, to = to, blob = blob })
      at = at + 4
    end
    table.insert(claims, claim)
  end
  return claims
end

local function join(keys, args)
  local id, shard, claims = id_of(args[1]), int(number(args[2])), claims_of(args)
  may_write()
  local boss = open(keys)
  if not boss then
    return { 'no_boss' }
  end
  local known, parent = journal_of(boss, id), claims[#claims]
  if known and known.sealed then
    return answer(boss, 'fenced')
  elseif known then
    -- A parent that is sealed, and stands in no book, goes when a generation begins.
    local before = parent and journal_of(boss, parent.id)
    return joined(boss, parent and (not before or before.successor == id), claims)
  end
  for _, claim in ipairs(claims) do
    if claim.id == id then
      return answer(boss, 'refused')
    end
  end
  if #claims > LINEAGE_MAX then
    return answer(boss, 'refused')
  elseif tonumber(get(boss.state, 'journals')) + #claims >= JOURNALS_MAX then
    return answer(boss, 'full')
  end
  if is_ahead(boss, claims) then
    return answer(boss, 'ahead')
  end
  local weighed = nil
  for _, claim in ipairs(claims) do
    local generation, applied
    weighed, generation, applied = weigh(boss, claim)
    if weighed == 'gap' then
      return answer(boss, 'gap', claim.id, generation, int(applied))
    end
  end
  local before = nil
  for _, claim in ipairs(claims) do
    take_up(boss, shard, before, claim)
    before = claim.id
  end
  local inherits = weighed == 'fits'
  add_journal(boss, id, shard, before, inherits)
  return joined(boss, inherits, claims)
end
