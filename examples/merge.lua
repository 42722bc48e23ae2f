-- The script that jsonmerge replaces, as teams ship it today.
-- KEYS[1]: the key. ARGV[1]: a JSON array whose elements are to be appended.
local input = ARGV[1]
local value = redis.call('GET', KEYS[1])
if value then
  local array = cjson.decode(value)
  for _, element in ipairs(cjson.decode(input)) do
    array[#array + 1] = element
  end
  input = cjson.encode(array)
end
redis.call('SET', KEYS[1], input)
return input
