-- What stands on the outside of an alert (JSON), whatever the size of its parts; false where there is none.
-- KEYS: the record. It begins with the label, and no label holds these quotes unescaped.
local first = string.len('{"label":') + 1
local text = redis.call('GETRANGE', KEYS[1], 0, 16383)
local last = string.find(text, ',"statement":"', first, true)
if not last and text ~= '' then
  text = redis.call('GET', KEYS[1])
  last = string.find(text, ',"statement":"', first, true)
end
if text == '' then return false end
return last and string.sub(text, first, last - 1) or text -- a record of another kind is no label, and no absence
