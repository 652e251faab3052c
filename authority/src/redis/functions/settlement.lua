-- The settlement: who reigns, and takes a fallen boss to its end, step by step.

-- The steps, each with the status that it belongs to and the one that it leads to.
local STEPS = {
  collect = { [DEFEATED] = COLLECTING },
  wait = { [COLLECTING] = COLLECTING, [REWARDED] = REWARDED },
  close = { [COLLECTING] = CLOSED },
  credit = { [CLOSED] = CREDITED },
  reward = { [CREDITED] = REWARDED },
}

-- What an executor has to know.
local function progress(boss, word)
  local state, at = boss.state, get(boss.state, 'generation')
  local ids, fields, open_ones = writers(boss, at), {}, {}
  for _, id in ipairs(ids) do
    table.insert(fields, 't:' .. at .. ':' .. id)
    table.insert(fields, 'o:' .. id)
  end
  fetch(state, fields)
  for _, id in ipairs(ids) do
    if not totals_of(boss, at, id).finished then
      local heard = get(state, 'o:' .. id) or '0 0'
      table.insert(open_ones, id .. ' ' .. heard:match('%d+$'))
    end
  end
  return answer(
    boss, word, get(state, 'term'), get(state, 'executor'),
    get(state, 'standings_number') or '0', get(state, 'newest'),
    table.concat(open_ones, ' '), get(state, at .. ':spec')
  )
end

-- Journals that were silent for some polls no longer count as online.
local function sweep(boss)
  local state, players, ids, fields, left = boss.state, 0, {}, {}, {}
  for id in get(state, 'online'):gmatch('%x+') do
    table.insert(ids, id)
    table.insert(fields, 'o:' .. id)
    table.insert(fields, 'j:' .. id)
  end
  fetch(state, fields)
  for _, id in ipairs(ids) do
    local online, poll = get(state, 'o:' .. id):match('^(%d+) (%d+)$')
    if not journal_of(boss, id) then
      set(state, 'o:' .. id, false)
    elseif is_silent(boss, poll) then
      set(state, 'o:' .. id, '0 ' .. poll)
    else
      table.insert(left, id)
      players = players + tonumber(online)
    end
  end
  set(state, 'online', table.concat(left, ' '))
  set(state, 'players', int(players))
end

-- Whether this is the executor of the newest term. Before the first one there is none.
local function reigns(boss, executor, term)
  local state = boss.state
  return term ~= '0' and get(state, 'term') == term and get(state, 'executor') == executor
end

-- executor, the term that it supersedes or -
local function reign(keys, args)
  local executor, supersedes = id_of(args[1]), args[2]
  if supersedes ~= '-' then
    supersedes = int(number(supersedes))
  end
  local boss = open(keys, { 'term', 'executor', 'online' })
  if not boss then
    return { 'no_boss' }
  end
  local state = boss.state
  local takes_over = get(state, 'executor') ~= executor and get(state, 'term') == supersedes
  -- Who only looks needs no right to write.
  if takes_over or reigns(boss, executor, get(state, 'term')) then
    may_write()
  end
  if takes_over then
    local term = int(tonumber(supersedes) + 1)
    append(boss, ('term n=%s x=%s'):format(term, executor), '')
    set(state, 'term', term)
    set(state, 'executor', executor)
  end
  if reigns(boss, executor, get(state, 'term')) then
    set(state, 'polls', int(tonumber(get(state, 'polls')) + 1))
    sweep(boss)
  end
  commit(boss)
  return progress(boss, 'progress')
end

-- executor, term, generation, status, waited: who takes a step, and where it has seen the boss.
local function stage_of(args)
  return {
    executor = id_of(args[1]), term = int(number(args[2])), generation = int(number(args[3])),
    status = int(number(args[4])), waited = int(number(args[5])),
  }
end

-- Why a step may not be taken, if so.
local function objection(boss, stage)
  local state, at = boss.state, boss.generation
  if not reigns(boss, stage.executor, stage.term) then
    return 'fenced'
  end
  local is_there = at == stage.generation and get(state, at .. ':status') == stage.status
    and get(state, at .. ':waited') == stage.waited
  return not is_there and 'passed' or nil
end

-- What a step writes into the log behind its stage, and its blob.
local function entry_of(boss, step, count, blob)
  if step == 'close' then
    return (' v=%s c=%s'):format(get(boss.state, 'version'), get(boss.state, 'chain')), ''
  elseif count then
    return ' k=' .. count, blob
  end
  return '', ''
end

local function take_step(boss, term, step, turns, count, blob)
  local state, at = boss.state, boss.generation
  local status = get(state, at .. ':status')
  local rest, bytes = entry_of(boss, step, count, blob)
  append(boss, ('%s g=%s n=%s'):format(step, at, term) .. rest, bytes)
  local waited = step == 'wait' and tonumber(get(state, at .. ':waited')) + 1 or 0
  set(state, at .. ':status', turns[status])
  set(state, at .. ':waited', int(waited))
  if step == 'credit' then
    set(state, at .. ':credited', get(state, 'version'))
  elseif step == 'reward' then
    set(state, at .. ':rewarded', get(state, 'version'))
  end
end

-- A stage, step; and for credit and reward what was folded: count, blob, and the version and chain
-- of the fold. Without these, it was somewhere else when it was folded.
local function settle(keys, args)
  local stage, step = stage_of(args), args[6]
  local turns = STEPS[step] or wrong('no step: ' .. tostring(step))
  local count = args[7] and int(number(args[7]))
  local version = count and number(args[9])
  may_write()
  local boss = open(keys, { 'term', 'executor' })
  if not boss then
    return { 'no_boss' }
  end
  local is_folded = step == 'credit' or step == 'reward'
  local word = objection(boss, stage)
  if not word and not turns[stage.status] then
    word = 'passed'
  elseif not word and is_folded and (not count or lacks(boss, version, args[10])) then
    word = 'passed'
  end
  if not word then
    take_step(boss, stage.term, step, turns, is_folded and count, args[8])
    commit(boss)
  end
  return progress(boss, word or 'done')
end

-- A stage; version, chain, and the value there: the next generation begins, if the log still ends
-- there.
local function next_generation(keys, args)
  local stage, version = stage_of(args), int(number(args[6]))
  may_write()
  local boss = open(keys, { 'term', 'executor' })
  if not boss then
    return { 'no_boss' }
  end
  local word = objection(boss, stage)
  if not word and stage.status ~= REWARDED then
    word = 'passed'
  elseif not word and
    (get(boss.state, 'version') ~= version or get(boss.state, 'chain') ~= args[7]) then
    word = 'moved'
  end
  if not word then
    begin(boss, keys, tonumber(boss.generation) + 1, args[8])
  end
  return progress(boss, word or 'done')
end

-- executor, term, number and bytes of a leaderboard; and maybe version, chain and bytes of a value,
-- from which whoever folds the log may begin.
local function rank(keys, args)
  local executor, term = id_of(args[1]), int(number(args[2]))
  local standings_number, version = int(number(args[3])), args[5] and number(args[5])
  may_write()
  local boss = open(keys, { 'term', 'executor' })
  if not boss then
    return { 'no_boss' }
  elseif not reigns(boss, executor, term) then
    return answer(boss, 'fenced')
  end
  set(boss.state, 'standings', args[4])
  set(boss.state, 'standings_number', standings_number)
  local bases = hash(keys[3])
  -- Read before the first write: a key of another type is refused while it can be.
  get(bases, boss.generation .. ':version')
  local is_newer = version and version > tonumber(get(boss.state, 'newest'))
  if is_newer and not lacks(boss, version, args[6]) then
    set(boss.state, 'newest', int(version))
    set(bases, 'newest', args[7])
  end
  commit(boss)
  write(bases)
  return answer(boss, 'ranked')
end

redis.register_function('worldboss_spawn_@HASH@', spawn)
redis.register_function('worldboss_join_@HASH@', join)
redis.register_function('worldboss_enter_@HASH@', enter)
redis.register_function('worldboss_push_@HASH@', push)
redis.register_function('worldboss_reign_@HASH@', reign)
redis.register_function('worldboss_settle_@HASH@', settle)
redis.register_function('worldboss_next_@HASH@', next_generation)
redis.register_function('worldboss_rank_@HASH@', rank)
redis.register_function({
  function_name = 'worldboss_truth_@HASH@', callback = truth, flags = { 'no-writes' },
})
