-- Submits surveys, one a request or `size` of one site a request, in NDJSON: a visit each, a fresh key each.
-- Arguments: folder of targets, file of visits, visits to pass over, surveys a request, prefix of the keys, and
-- `once` or `again`: whether to stop when the visits are used up or to begin with them again.
local ffi = require("ffi")
ffi.cdef[[
  typedef struct { long s; long ns; } moment;
  int clock_gettime(int clock, moment *now);
]]

local function now()
  local moment = ffi.new("moment")
  ffi.C.clock_gettime(1, moment)
  return tonumber(moment.s) + tonumber(moment.ns) / 1e9
end

local function rows(path)
  local found = {}
  for line in io.lines(path) do
    local row = {}
    for cell in line:gmatch("[^\t]+") do row[#row + 1] = cell end
    found[#found + 1] = row
  end
  return found
end

local writers, visits, size, prefix, is_once, before, between, after = {}, {}, 1, "", true, "", "", ""
-- Read at the end by `done`: how many visits were used, and for how long requests were made.
used, began, ended = 0, 0, 0

function init(arguments)
  local folder = arguments[1]
  for _, site in ipairs(rows(folder .. "/sites.tsv")) do writers[site[1]] = site[2] end
  visits = rows(folder .. "/" .. arguments[2])
  used, size, prefix = tonumber(arguments[3]), tonumber(arguments[4]), arguments[5]
  is_once = arguments[6] == "once"
  local body = io.open(folder .. "/survey.json"):read("*a")
  before, between, after = body:match("^(.*)@PATIENT@(.*)@VISIT@(.*)$")
end

local function survey(visit)
  return before .. visit[2] .. between .. visit[3] .. after
end

local function surveys(first)
  local items = {}
  for number = first, math.min(first + size - 1, #visits) do
    if visits[number][1] ~= visits[first][1] then break end
    items[#items + 1] = survey(visits[number])
  end
  return items
end

function request()
  if is_once and used >= #visits then
    wrk.thread:stop()
    return wrk.format("GET", "/health/live")
  end
  if began == 0 then began = now() end
  local first = used % #visits + 1
  local items = size > 1 and surveys(first) or { survey(visits[first]) }
  used = used + #items
  ended = now()
  local headers = {
    ["authorization"] = "Bearer " .. writers[visits[first][1]],
    ["samepage-site"] = visits[first][1],
    ["content-type"] = size > 1 and "application/x-ndjson" or "application/json",
    ["idempotency-key"] = prefix .. used,
  }
  return wrk.format("POST", "/v1/surveys", headers, table.concat(items, "\n"))
end

local threads = {}
function setup(thread)
  threads[#threads + 1] = thread
end

function done(summary, latency)
  local one, errors = threads[1], summary.errors
  io.write(string.format(
    'RESULT {"requests": %d, "seconds": %f, "p50_ms": %f, "p99_ms": %f, "failed": %d, "used": %d}\n',
    summary.requests, one:get("ended") - one:get("began"), latency:percentile(50) / 1000,
    latency:percentile(99) / 1000, errors.status + errors.connect + errors.read + errors.write + errors.timeout,
    one:get("used")))
end
