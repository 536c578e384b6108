-- Reads pages, one patient after the other, each by a reader of the patient's site.
-- Arguments: folder of targets, the path before the patient's id, the path after it.
local function rows(path)
  local found = {}
  for line in io.lines(path) do
    local row = {}
    for cell in line:gmatch("[^\t]+") do row[#row + 1] = cell end
    found[#found + 1] = row
  end
  return found
end

local requests, turn = {}, 0

function init(arguments)
  local readers = {}
  for _, site in ipairs(rows(arguments[1] .. "/sites.tsv")) do readers[site[1]] = site[3] end
  for _, patient in ipairs(rows(arguments[1] .. "/patients.tsv")) do
    local headers = { ["authorization"] = "Bearer " .. readers[patient[1]], ["samepage-site"] = patient[1] }
    requests[#requests + 1] = wrk.format("GET", arguments[2] .. patient[2] .. (arguments[3] or ""), headers)
  end
end

function request()
  turn = turn % #requests + 1
  return requests[turn]
end

function done(summary, latency)
  local errors = summary.errors
  io.write(string.format(
    'RESULT {"requests": %d, "seconds": %f, "p50_ms": %f, "p99_ms": %f, "failed": %d, "used": 0}\n',
    summary.requests, summary.duration / 1e6, latency:percentile(50) / 1000, latency:percentile(99) / 1000,
    errors.status + errors.connect + errors.read + errors.write + errors.timeout))
end
