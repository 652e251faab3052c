-- Hop 9, intake, and hop 10, boss: an interval is counted exactly once, and the truth changes.

-- What `grown` more damage causes: the phase that begins, or nil, and whether the boss dies.
local function consequence(boss, generation, grown)
  local state = boss.state
  local hp_max, damage = get(state, generation .. ':hp_max'), get(state, generation .. ':damage')
  local before = math.max(tonumber(hp_max) - tonumber(damage), 0)
  local after = math.max(before - grown, 0)
  local phase = -1
  for threshold in get(state, generation .. ':phases'):gmatch('%d+') do
    if after <= tonumber(threshold) then
      phase = phase + 1
    end
  end
  local begins = phase > tonumber(get(state, generation .. ':phase')) and int(phase) or nil
  return begins, before > 0 and after == 0
end

local function add_push(boss, id, it, totals, grown)
  local at = it.generation
  local damage = tonumber(get(boss.state, at .. ':damage')) + grown
  if totals.finished or damage > INT_MAX then
    return 'refused'
  end
  local phase, death = consequence(boss, at, grown)
  local line = 'push j=%s g=%s f=%s t=%s l=%s p=%s d=%s'
  local last, dies = it.last and '1' or '0', death and '1' or '0'
  append(boss, line:format(id, at, int(it.from), int(it.to), last, phase or '-', dies), it.blob)
  set(boss.state, at .. ':damage', int(damage))
  if phase then
    set(boss.state, at .. ':phase', phase)
  end
  if death then
    set(boss.state, at .. ':status', DEFEATED)
    set(boss.state, at .. ':waited', '0')
  end
  totals.counted, totals.finished = it.to, it.last
  put_totals(boss, at, id, totals)
  return 'counted'
end

local function add_late(boss, id, it, totals)
  local line = 'late j=%s g=%s f=%s t=%s l=%s'
  local last = it.last and '1' or '0'
  append(boss, line:format(id, it.generation, int(it.from), int(it.to), last), it.blob)
  totals.late, totals.finished = it.to, it.last
  put_totals(boss, it.generation, id, totals)
  return 'closed'
end

-- Takes an interval of a journal's damage, and says what became of it.
local function take(boss, id, it)
  local journal = journal_of(boss, id)
  if not journal then
    return 'unknown'
  elseif journal.sealed then
    return 'fenced'
  end
  local status = get(boss.state, it.generation .. ':status')
  if not status then
    local ahead = tonumber(it.generation) > tonumber(get(boss.state, 'generation'))
    return ahead and 'not_entered' or 'closed'
  end
  local totals, closed = totals_of(boss, it.generation, id), is_closed(status)
  if closed and totals.finished then
    return 'closed'
  elseif not closed and not totals.entered then
    return 'not_entered'
  elseif it.from > totals.applied then
    return 'gap'
  end
  it.last = it.last and not totals.finished and totals.applied <= it.to
  if it.to <= totals.applied and not it.last then
    return closed and 'closed' or 'duplicate'
  elseif closed then
    return add_late(boss, id, it, totals)
  elseif status == ALIVE and it.last then
    return 'refused'
  end
  return add_push(boss, id, it, totals, it.to - totals.applied)
end

-- Whether someone has seen a position that this log lacks. Trimmed positions pass.
local function lacks(boss, version, chain)
  local newest = tonumber(get(boss.state, 'version'))
  if version > newest then
    return true
  elseif version == newest then
    return chain ~= get(boss.state, 'chain')
  elseif version == 0 then
    return chain ~= START
  end
  local id = int(version) .. '-0'
  local entry = redis.call('XRANGE', boss.log, id, id)[1]
  return entry ~= nil and entry[2][2] ~= chain
end

-- Whether a journal that was heard in a poll is silent by now.
local function is_silent(boss, poll)
  return tonumber(get(boss.state, 'polls')) - tonumber(poll) >= SILENT_POLLS
end

-- Notes that a journal was heard. Writes once per poll at most, unless its players change.
local function hear(boss, id, players)
  local was, now = get(boss.state, 'o:' .. id), players .. ' ' .. get(boss.state, 'polls')
  if was ~= now then
    local before, poll = (was or '0 0'):match('^(%d+) (%d+)$')
    local sum = tonumber(get(boss.state, 'players')) - tonumber(before) + tonumber(players)
    if not was or is_silent(boss, poll) then
      set(boss.state, 'online', get(boss.state, 'online') .. ' ' .. id)
    end
    set(boss.state, 'o:' .. id, now)
    set(boss.state, 'players', int(sum))
  end
end

-- The newest leaderboard, unless it is the one with this number.
local function standings(boss, number)
  local newest = get(boss.state, 'standings_number')
  return newest and newest ~= number and get(boss.state, 'standings') or ''
end

-- journal, generation, from, to, last, blob, online, seen version, seen chain, number of standings
local function push(keys, args)
  local id, at = id_of(args[1]), int(number(args[2]))
  local it = {
    generation = at, from = number(args[3]), to = number(args[4]), last = flag(args[5]),
    blob = args[6],
  }
  local players, seen, known = int(number(args[7])), number(args[8]), int(number(args[10]))
  local boss = open(keys, {
    'j:' .. id, 't:' .. at .. ':' .. id, 'o:' .. id, at .. ':status', at .. ':phase',
    at .. ':damage', at .. ':hp_max', at .. ':phases', 'standings_number',
  })
  if not boss then
    return { 'no_boss' }
  end
  local rolled_back = lacks(boss, seen, args[9])
  local verdict = take(boss, id, it)
  if verdict ~= 'unknown' and verdict ~= 'fenced' then
    hear(boss, id, players)
  end
  local totals = totals_of(boss, at, id)
  local late = totals.late and totals.late > totals.counted
  commit(boss)
  return answer(
    boss, verdict, int(totals.applied), rolled_back and '1' or '0', late and '1' or '0',
    standings(boss, known)
  )
end

-- journal, generation
local function enter(keys, args)
  local id, at = id_of(args[1]), int(number(args[2]))
  may_write()
  local boss = open(keys)
  if not boss then
    return { 'no_boss' }
  end
  local journal = journal_of(boss, id)
  if not journal or journal.sealed then
    return answer(boss, journal and 'fenced' or 'unknown')
  end
  local entered = totals_of(boss, at, id).entered
  local closed = is_closed(get(boss.state, at .. ':status'))
  if at ~= boss.generation or not entered and closed then
    return answer(boss, 'too_late')
  end
  if not entered then
    add_enter(boss, id, at)
    commit(boss)
  end
  return answer(boss, 'entered', get(boss.state, at .. ':spec'))
end
