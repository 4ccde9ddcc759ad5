"""What test_imap_mime.py expects of the corpus: ENVELOPE and BODYSTRUCTURE, derived from RFC 3501, 2045, 2046 and 5322
and compared by hand with two other servers' answers. A long one is given by its beginning and end around "...".
"""

EXPECTED = {
    "no closing delimiter": (
        b'(NIL "s" ((NIL NIL "a" "x.test")) ((NIL NIL "a" "x.test")) ((NIL NIL "a" "x.test")) NIL NIL NIL NIL '
        b'NIL)',
        b'(("text" "plain" ("charset" "us-ascii") NIL NIL "7bit" 3 0 NIL NIL NIL NIL)("text" "plain" ("charset'
        b'" "us-ascii") NIL NIL "7bit" 5 1 NIL NIL NIL NIL) "mixed" ("boundary" "b") NIL NIL NIL)'),
    "no boundary parameter": (
        b'(NIL "s" ((NIL NIL "a" "x.test")) ((NIL NIL "a" "x.test")) ((NIL NIL "a" "x.test")) NIL NIL NIL NIL '
        b'NIL)',
        b'("text" "plain" ("charset" "us-ascii") NIL NIL "7bit" 19 4 NIL NIL NIL NIL)'),
    "empty boundary": (
        b'(NIL "s" ((NIL NIL "a" "x.test")) ((NIL NIL "a" "x.test")) ((NIL NIL "a" "x.test")) NIL NIL NIL NIL '
        b'NIL)',
        b'("text" "plain" ("charset" "us-ascii") NIL NIL "7bit" 17 4 NIL NIL NIL NIL)'),
    "boundary of 251 bytes": (
        b'(NIL "s" ((NIL NIL "a" "x.test")) ((NIL NIL "a" "x.test")) ((NIL NIL "a" "x.test")) NIL NIL NIL NIL '
        b'NIL)',
        b'("text" "plain" ("charset" "us-ascii") NIL NIL "7bit" 519 4 NIL NIL NIL NIL)'),
    "boundary of 200 bytes": (
        b'(NIL "s" ((NIL NIL "a" "x.test")) ((NIL NIL "a" "x.test")) ((NIL NIL "a" "x.test")) NIL NIL NIL NIL '
        b'NIL)',
        b'(("text" "plain" ("charset" "us-ascii") NIL NIL "7bit" 3 0 NIL NIL NIL NIL) "mixed" ("boundary" "xxx'
        b'xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx'
        b'xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx") '
        b'NIL NIL NIL)'),
    "blanks at the end of the boundary": (
        b'(NIL "s" ((NIL NIL "a" "x.test")) ((NIL NIL "a" "x.test")) ((NIL NIL "a" "x.test")) NIL NIL NIL NIL '
        b'NIL)',
        b'(("text" "plain" ("charset" "us-ascii") NIL NIL "7bit" 3 0 NIL NIL NIL NIL) "mixed" ("boundary" "b  '
        b'") NIL NIL NIL)'),
    "blanks behind delimiters": (
        b'(NIL "s" ((NIL NIL "a" "x.test")) ((NIL NIL "a" "x.test")) ((NIL NIL "a" "x.test")) NIL NIL NIL NIL '
        b'NIL)',
        b'(("text" "plain" ("charset" "us-ascii") NIL NIL "7bit" 3 0 NIL NIL NIL NIL) "mixed" ("boundary" "b")'
        b' NIL NIL NIL)'),
    "text behind a delimiter": (
        b'(NIL "s" ((NIL NIL "a" "x.test")) ((NIL NIL "a" "x.test")) ((NIL NIL "a" "x.test")) NIL NIL NIL NIL '
        b'NIL)',
        b'(("text" "plain" ("charset" "us-ascii") NIL NIL "7bit" 14 2 NIL NIL NIL NIL) "mixed" ("boundary" "b"'
        b') NIL NIL NIL)'),
    "boundary that begins another": (
        b'(NIL "s" ((NIL NIL "a" "x.test")) ((NIL NIL "a" "x.test")) ((NIL NIL "a" "x.test")) NIL NIL NIL NIL '
        b'NIL)',
        b'((("text" "plain" ("charset" "us-ascii") NIL NIL "7bit" 5 0 NIL NIL NIL NIL) "mixed" ("boundary" "bb'
        b'") NIL NIL NIL)("text" "plain" ("charset" "us-ascii") NIL NIL "7bit" 3 0 NIL NIL NIL NIL) "mixed" ("'
        b'boundary" "b") NIL NIL NIL)'),
    "the same boundary inside": (
        b'(NIL "s" ((NIL NIL "a" "x.test")) ((NIL NIL "a" "x.test")) ((NIL NIL "a" "x.test")) NIL NIL NIL NIL '
        b'NIL)',
        b'((("text" "plain" ("charset" "us-ascii") NIL NIL "7bit" 5 0 NIL NIL NIL NIL) "alternative" ("boundar'
        b'y" "b") NIL NIL NIL) "mixed" ("boundary" "b") NIL NIL NIL)'),
    "inner multipart ended by the outer": (
        b'(NIL "s" ((NIL NIL "a" "x.test")) ((NIL NIL "a" "x.test")) ((NIL NIL "a" "x.test")) NIL NIL NIL NIL '
        b'NIL)',
        b'((("text" "plain" ("charset" "us-ascii") NIL NIL "7bit" 5 0 NIL NIL NIL NIL) "alternative" ("boundar'
        b'y" "c") NIL NIL NIL)("text" "plain" ("charset" "us-ascii") NIL NIL "7bit" 3 0 NIL NIL NIL NIL) "mixe'
        b'd" ("boundary" "b") NIL NIL NIL)'),
    "message ended by the outer": (
        b'(NIL "s" ((NIL NIL "a" "x.test")) ((NIL NIL "a" "x.test")) ((NIL NIL "a" "x.test")) NIL NIL NIL NIL '
        b'NIL)',
        b'(("message" "rfc822" NIL NIL NIL "7bit" 70 (NIL "in" NIL NIL NIL NIL NIL NIL NIL NIL) (("text" "plai'
        b'n" ("charset" "us-ascii") NIL NIL "7bit" 5 0 NIL NIL NIL NIL) "mixed" ("boundary" "c") NIL NIL NIL) '
        b'5 NIL NIL NIL NIL)("text" "plain" ("charset" "us-ascii") NIL NIL "7bit" 3 0 NIL NIL NIL NIL) "mixed"'
        b' ("boundary" "b") NIL NIL NIL)'),
    "no part at all": (
        b'(NIL "s" ((NIL NIL "a" "x.test")) ((NIL NIL "a" "x.test")) ((NIL NIL "a" "x.test")) NIL NIL NIL NIL '
        b'NIL)',
        b'(("text" "plain" ("charset" "us-ascii") NIL NIL "7bit" 0 0 NIL NIL NIL NIL) "mixed" ("boundary" "b")'
        b' NIL NIL NIL)'),
    "closing delimiter alone": (
        b'(NIL "s" ((NIL NIL "a" "x.test")) ((NIL NIL "a" "x.test")) ((NIL NIL "a" "x.test")) NIL NIL NIL NIL '
        b'NIL)',
        b'(("text" "plain" ("charset" "us-ascii") NIL NIL "7bit" 0 0 NIL NIL NIL NIL) "mixed" ("boundary" "b")'
        b' NIL NIL NIL)'),
    "delimiters behind the last one": (
        b'(NIL "s" ((NIL NIL "a" "x.test")) ((NIL NIL "a" "x.test")) ((NIL NIL "a" "x.test")) NIL NIL NIL NIL '
        b'NIL)',
        b'(("text" "plain" ("charset" "us-ascii") NIL NIL "7bit" 3 0 NIL NIL NIL NIL) "mixed" ("boundary" "b")'
        b' NIL NIL NIL)'),
    "two boundary parameters": (
        b'(NIL "s" ((NIL NIL "a" "x.test")) ((NIL NIL "a" "x.test")) ((NIL NIL "a" "x.test")) NIL NIL NIL NIL '
        b'NIL)',
        b'(("text" "plain" ("charset" "us-ascii") NIL NIL "7bit" 15 3 NIL NIL NIL NIL) "mixed" ("boundary" "b"'
        b' "boundary" "c") NIL NIL NIL)'),
    "boundary in pieces": (
        b'(NIL "s" ((NIL NIL "a" "x.test")) ((NIL NIL "a" "x.test")) ((NIL NIL "a" "x.test")) NIL NIL NIL NIL '
        b'NIL)',
        b'(("text" "plain" ("charset" "us-ascii") NIL NIL "7bit" 3 0 NIL NIL NIL NIL) "mixed" ("boundary" "bcd'
        b'") NIL NIL NIL)'),
    "boundary with escapes": (
        b'(NIL "s" ((NIL NIL "a" "x.test")) ((NIL NIL "a" "x.test")) ((NIL NIL "a" "x.test")) NIL NIL NIL NIL '
        b'NIL)',
        b'(("text" "plain" ("charset" "us-ascii") NIL NIL "7bit" 3 0 NIL NIL NIL NIL) "mixed" ("boundary" "b\\"'
        b'c") NIL NIL NIL)'),
    "boundary with quote and without end": (
        b'(NIL "s" ((NIL NIL "a" "x.test")) ((NIL NIL "a" "x.test")) ((NIL NIL "a" "x.test")) NIL NIL NIL NIL '
        b'NIL)',
        b'(("text" "plain" ("charset" "us-ascii") NIL NIL "7bit" 3 0 NIL NIL NIL NIL) "mixed" ("boundary" "b")'
        b' NIL NIL NIL)'),
    "boundary with spaces inside": (
        b'(NIL "s" ((NIL NIL "a" "x.test")) ((NIL NIL "a" "x.test")) ((NIL NIL "a" "x.test")) NIL NIL NIL NIL '
        b'NIL)',
        b'(("text" "plain" ("charset" "us-ascii") NIL NIL "7bit" 3 0 NIL NIL NIL NIL) "mixed" ("boundary" "b c'
        b'") NIL NIL NIL)'),
    "parts without header": (
        b'(NIL "s" ((NIL NIL "a" "x.test")) ((NIL NIL "a" "x.test")) ((NIL NIL "a" "x.test")) NIL NIL NIL NIL '
        b'NIL)',
        b'(("text" "plain" ("charset" "us-ascii") NIL NIL "7bit" 3 0 NIL NIL NIL NIL)("text" "plain" ("charset'
        b'" "us-ascii") NIL NIL "7bit" 0 0 NIL NIL NIL NIL) "mixed" ("boundary" "b") NIL NIL NIL)'),
    "empty parts": (
        b'(NIL "s" ((NIL NIL "a" "x.test")) ((NIL NIL "a" "x.test")) ((NIL NIL "a" "x.test")) NIL NIL NIL NIL '
        b'NIL)',
        b'(("text" "plain" ("charset" "us-ascii") NIL NIL "7bit" 0 0 NIL NIL NIL NIL)("text" "plain" ("charset'
        b'" "us-ascii") NIL NIL "7bit" 0 0 NIL NIL NIL NIL)("text" "html" ("charset" "us-ascii") NIL NIL "7bit'
        b'" 0 0 NIL NIL NIL NIL) "mixed" ("boundary" "b") NIL NIL NIL)'),
    "delimiter inside a part's header": (
        b'(NIL "s" ((NIL NIL "a" "x.test")) ((NIL NIL "a" "x.test")) ((NIL NIL "a" "x.test")) NIL NIL NIL NIL '
        b'NIL)',
        b'(("text" "html" ("charset" "us-ascii") NIL NIL "7bit" 0 0 NIL NIL NIL NIL)("text" "plain" ("charset"'
        b' "us-ascii") NIL NIL "7bit" 3 0 NIL NIL NIL NIL) "mixed" ("boundary" "b") NIL NIL NIL)'),
    "delimiter right behind the header": (
        b'(NIL "s" ((NIL NIL "a" "x.test")) ((NIL NIL "a" "x.test")) ((NIL NIL "a" "x.test")) NIL NIL NIL NIL '
        b'NIL)',
        b'(("text" "plain" ("charset" "us-ascii") NIL NIL "7bit" 0 0 NIL NIL NIL NIL) "mixed" ("boundary" "b")'
        b' NIL NIL NIL)'),
    "delimiter that looks like the preamble": (
        b'(NIL "s" ((NIL NIL "a" "x.test")) ((NIL NIL "a" "x.test")) ((NIL NIL "a" "x.test")) NIL NIL NIL NIL '
        b'NIL)',
        b'(("text" "plain" ("charset" "us-ascii") NIL NIL "7bit" 3 0 NIL NIL NIL NIL) "mixed" ("boundary" "b")'
        b' NIL NIL NIL)'),
    "folded boundary": (
        b'(NIL "s" ((NIL NIL "a" "x.test")) ((NIL NIL "a" "x.test")) ((NIL NIL "a" "x.test")) NIL NIL NIL NIL '
        b'NIL)',
        b'(("text" "plain" ("charset" "us-ascii") NIL NIL "7bit" 3 0 NIL NIL NIL NIL) "mixed" ("boundary" "b")'
        b' NIL NIL NIL)'),
    "bare line feeds": (
        b'(NIL "s" ((NIL NIL "a" "x.test")) ((NIL NIL "a" "x.test")) ((NIL NIL "a" "x.test")) NIL NIL NIL NIL '
        b'NIL)',
        b'(("text" "plain" ("charset" "us-ascii") NIL NIL "7bit" 3 0 NIL NIL NIL NIL) "mixed" ("boundary" "b")'
        b' NIL NIL NIL)'),
    "mixed line ends": (
        b'(NIL "s" ((NIL NIL "a" "x.test")) ((NIL NIL "a" "x.test")) ((NIL NIL "a" "x.test")) NIL NIL NIL NIL '
        b'NIL)',
        b'(("text" "plain" ("charset" "us-ascii") NIL NIL "7bit" 7 1 NIL NIL NIL NIL) "mixed" ("boundary" "b")'
        b' NIL NIL NIL)'),
    "bare carriage returns": (
        b'(NIL "s" ((NIL NIL "a" "x.test")) ((NIL NIL "a" "x.test")) ((NIL NIL "a" "x.test")) NIL NIL NIL NIL '
        b'NIL)',
        b'(("text" "plain" ("charset" "us-ascii") NIL NIL "7bit" 13 0 NIL NIL NIL NIL) "mixed" ("boundary" "b"'
        b') NIL NIL NIL)'),
    "no line end at the end": (
        b'(NIL "s" ((NIL NIL "a" "x.test")) ((NIL NIL "a" "x.test")) ((NIL NIL "a" "x.test")) NIL NIL NIL NIL '
        b'NIL)',
        b'(("text" "plain" ("charset" "us-ascii") NIL NIL "7bit" 3 0 NIL NIL NIL NIL) "mixed" ("boundary" "b")'
        b' NIL NIL NIL)'),
    "ends in the middle of a delimiter": (
        b'(NIL "s" ((NIL NIL "a" "x.test")) ((NIL NIL "a" "x.test")) ((NIL NIL "a" "x.test")) NIL NIL NIL NIL '
        b'NIL)',
        b'(("text" "plain" ("charset" "us-ascii") NIL NIL "7bit" 9 2 NIL NIL NIL NIL) "mixed" ("boundary" "b")'
        b' NIL NIL NIL)'),
    "two types": (
        b'(NIL "s" ((NIL NIL "a" "x.test")) ((NIL NIL "a" "x.test")) ((NIL NIL "a" "x.test")) NIL NIL NIL NIL '
        b'NIL)',
        b'("text" "html" ("charset" "us-ascii") NIL NIL "7bit" 17 4 NIL NIL NIL NIL)'),
    "type without subtype": (
        b'(NIL "s" ((NIL NIL "a" "x.test")) ((NIL NIL "a" "x.test")) ((NIL NIL "a" "x.test")) NIL NIL NIL NIL '
        b'NIL)',
        b'("text" "plain" ("charset" "us-ascii") NIL NIL "7bit" 6 1 NIL NIL NIL NIL)'),
    "type without a name": (
        b'(NIL "s" ((NIL NIL "a" "x.test")) ((NIL NIL "a" "x.test")) ((NIL NIL "a" "x.test")) NIL NIL NIL NIL '
        b'NIL)',
        b'("text" "plain" ("charset" "us-ascii") NIL NIL "7bit" 6 1 NIL NIL NIL NIL)'),
    "empty type": (
        b'(NIL "s" ((NIL NIL "a" "x.test")) ((NIL NIL "a" "x.test")) ((NIL NIL "a" "x.test")) NIL NIL NIL NIL '
        b'NIL)',
        b'("text" "plain" ("charset" "us-ascii") NIL NIL "7bit" 6 1 NIL NIL NIL NIL)'),
    "type with comments": (
        b'(NIL "s" ((NIL NIL "a" "x.test")) ((NIL NIL "a" "x.test")) ((NIL NIL "a" "x.test")) NIL NIL NIL NIL '
        b'NIL)',
        b'("text" "html" ("charset" "utf-8") NIL NIL "7bit" 6 1 NIL NIL NIL NIL)'),
    "type with spaces in a name": (
        b'(NIL "s" ((NIL NIL "a" "x.test")) ((NIL NIL "a" "x.test")) ((NIL NIL "a" "x.test")) NIL NIL NIL NIL '
        b'NIL)',
        b'("application" "pdf" ("name" "two" "x" "y") NIL NIL "7bit" 6 NIL NIL NIL NIL)'),
    "parameter without a value": (
        b'(NIL "s" ((NIL NIL "a" "x.test")) ((NIL NIL "a" "x.test")) ((NIL NIL "a" "x.test")) NIL NIL NIL NIL '
        b'NIL)',
        b'("text" "plain" ("format" "flowed" "charset" "us-ascii") NIL NIL "7bit" 6 1 NIL NIL NIL NIL)'),
    "parameter without an end": (
        b'(NIL "s" ((NIL NIL "a" "x.test")) ((NIL NIL "a" "x.test")) ((NIL NIL "a" "x.test")) NIL NIL NIL NIL '
        b'NIL)',
        b'("text" "plain" ("charset" "utf-8") NIL NIL "7bit" 6 1 NIL NIL NIL NIL)'),
    "semicolons": (
        b'(NIL "s" ((NIL NIL "a" "x.test")) ((NIL NIL "a" "x.test")) ((NIL NIL "a" "x.test")) NIL NIL NIL NIL '
        b'NIL)',
        b'("text" "plain" ("charset" "utf-8") NIL NIL "7bit" 6 1 NIL NIL NIL NIL)'),
    "folded parameters": (
        b'(NIL "s" ((NIL NIL "a" "x.test")) ((NIL NIL "a" "x.test")) ((NIL NIL "a" "x.test")) NIL NIL NIL NIL '
        b'NIL)',
        b'("text" "plain" ("charset" "ut f-8" "format" "flowed") NIL NIL "7bit" 6 1 NIL NIL NIL NIL)'),
    "types in capitals": (
        b'(NIL "s" ((NIL NIL "a" "x.test")) ((NIL NIL "a" "x.test")) ((NIL NIL "a" "x.test")) NIL NIL NIL NIL '
        b'NIL)',
        b'("TEXT" "HTML" ("CHARSET" "UTF-8") NIL NIL "7bit" 6 1 NIL NIL NIL NIL)'),
    "long parameter": (
        b'(NIL "s" ((NIL NIL "a" "x.test")) ((NIL NIL "a" "x.test")) ((NIL NIL "a" "x.test")) NIL NIL NIL NIL '
        b'NIL)',
        b'("text" "plain" ("name" "nnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnn'
        b'nnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnn...nnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnn'
        b'nnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnn" "charset" "us-ascii") NIL NIL "7bit" 6 1 NIL NIL NIL N'
        b'IL)'),
    "a hundred and fifty parameters": (
        b'(NIL "s" ((NIL NIL "a" "x.test")) ((NIL NIL "a" "x.test")) ((NIL NIL "a" "x.test")) NIL NIL NIL NIL '
        b'NIL)',
        b'("text" "plain" ("p0" "v" "p1" "v" "p2" "v" "p3" "v" "p4" "v" "p5" "v" "p6" "v" "p7" "v" "p8" "v" "p'
        b'9" "v" "p10" "v" "p11" "v" "p12" "v" "p13" "v" "p1...v" "p91" "v" "p92" "v" "p93" "v" "p94" "v" "p95'
        b'" "v" "p96" "v" "p97" "v" "p98" "v" "p99" "v" "charset" "us-ascii") NIL NIL "7bit" 6 1 NIL NIL NIL N'
        b'IL)'),
    "extended parameter": (
        b'(NIL "s" ((NIL NIL "a" "x.test")) ((NIL NIL "a" "x.test")) ((NIL NIL "a" "x.test")) NIL NIL NIL NIL '
        b'NIL)',
        b'("text" "plain" ("name*" "utf-8\'\'%e2%82%ac%20rates" "x" "ab" "charset" "us-ascii") NIL NIL "7bit" 6 '
        b'1 NIL NIL NIL NIL)'),
    "encoded word as a name": (
        b'(NIL "s" ((NIL NIL "a" "x.test")) ((NIL NIL "a" "x.test")) ((NIL NIL "a" "x.test")) NIL NIL NIL NIL '
        b'NIL)',
        b'("text" "plain" ("name" "=?utf-8?q?=e2=82=ac?=" "charset" "us-ascii") NIL NIL "7bit" 6 1 NIL NIL NIL'
        b' NIL)'),
    "bytes above 127 in a name": (
        b'(NIL "s" ((NIL NIL "a" "x.test")) ((NIL NIL "a" "x.test")) ((NIL NIL "a" "x.test")) NIL NIL NIL NIL '
        b'NIL)',
        b'("text" "plain" ("name" {3}\r\n\xe2\x82\xac "charset" "us-ascii") NIL NIL "7bit" 6 1 NIL NIL NIL NIL)'),
    "type that is no token": (
        b'(NIL "s" ((NIL NIL "a" "x.test")) ((NIL NIL "a" "x.test")) ((NIL NIL "a" "x.test")) NIL NIL NIL NIL '
        b'NIL)',
        b'("text" "plain" ("charset" "us-ascii") NIL NIL "7bit" 6 1 NIL NIL NIL NIL)'),
    "encoded multipart": (
        b'(NIL "s" ((NIL NIL "a" "x.test")) ((NIL NIL "a" "x.test")) ((NIL NIL "a" "x.test")) NIL NIL NIL NIL '
        b'NIL)',
        b'("application" "octet-stream" NIL NIL NIL "base64" 26 NIL NIL NIL NIL)'),
    "encoded message": (
        b'(NIL "s" ((NIL NIL "a" "x.test")) ((NIL NIL "a" "x.test")) ((NIL NIL "a" "x.test")) NIL NIL NIL NIL '
        b'NIL)',
        b'("application" "octet-stream" NIL NIL NIL "base64" 26 NIL NIL NIL NIL)'),
    "unknown encoding": (
        b'(NIL "s" ((NIL NIL "a" "x.test")) ((NIL NIL "a" "x.test")) ((NIL NIL "a" "x.test")) NIL NIL NIL NIL '
        b'NIL)',
        b'("text" "plain" ("charset" "us-ascii") NIL NIL "x-unknown" 6 1 NIL NIL NIL NIL)'),
    "two encodings": (
        b'(NIL "s" ((NIL NIL "a" "x.test")) ((NIL NIL "a" "x.test")) ((NIL NIL "a" "x.test")) NIL NIL NIL NIL '
        b'NIL)',
        b'("text" "plain" ("charset" "us-ascii") NIL NIL "8bit" 6 1 NIL NIL NIL NIL)'),
    "encoding with comment and more": (
        b'(NIL "s" ((NIL NIL "a" "x.test")) ((NIL NIL "a" "x.test")) ((NIL NIL "a" "x.test")) NIL NIL NIL NIL '
        b'NIL)',
        b'("text" "plain" ("charset" "us-ascii") NIL NIL "BASE64" 6 1 NIL NIL NIL NIL)'),
    "empty encoding": (
        b'(NIL "s" ((NIL NIL "a" "x.test")) ((NIL NIL "a" "x.test")) ((NIL NIL "a" "x.test")) NIL NIL NIL NIL '
        b'NIL)',
        b'("text" "plain" ("charset" "us-ascii") NIL NIL "7bit" 6 1 NIL NIL NIL NIL)'),
    "part of a message": (
        b'(NIL "s" ((NIL NIL "a" "x.test")) ((NIL NIL "a" "x.test")) ((NIL NIL "a" "x.test")) NIL NIL NIL NIL '
        b'NIL)',
        b'("message" "partial" ("id" "x" "number" "1") NIL NIL "7bit" 6 NIL NIL NIL NIL)'),
    "message elsewhere": (
        b'(NIL "s" ((NIL NIL "a" "x.test")) ((NIL NIL "a" "x.test")) ((NIL NIL "a" "x.test")) NIL NIL NIL NIL '
        b'NIL)',
        b'("message" "external-body" ("access-type" "x") NIL NIL "7bit" 28 NIL NIL NIL NIL)'),
    "empty message inside": (
        b'(NIL "s" ((NIL NIL "a" "x.test")) ((NIL NIL "a" "x.test")) ((NIL NIL "a" "x.test")) NIL NIL NIL NIL '
        b'NIL)',
        b'("message" "rfc822" NIL NIL NIL "7bit" 0 (NIL NIL NIL NIL NIL NIL NIL NIL NIL NIL) ("text" "plain" ('
        b'"charset" "us-ascii") NIL NIL "7bit" 0 0 NIL NIL NIL NIL) 0 NIL NIL NIL NIL)'),
    "header inside without a body": (
        b'(NIL "s" ((NIL NIL "a" "x.test")) ((NIL NIL "a" "x.test")) ((NIL NIL "a" "x.test")) NIL NIL NIL NIL '
        b'NIL)',
        b'("message" "rfc822" NIL NIL NIL "7bit" 11 (NIL "in" NIL NIL NIL NIL NIL NIL NIL NIL) ("text" "plain"'
        b' ("charset" "us-ascii") NIL NIL "7bit" 0 0 NIL NIL NIL NIL) 0 NIL NIL NIL NIL)'),
    "digest": (
        b'(NIL "s" ((NIL NIL "a" "x.test")) ((NIL NIL "a" "x.test")) ((NIL NIL "a" "x.test")) NIL NIL NIL NIL '
        b'NIL)',
        b'(("message" "rfc822" NIL NIL NIL "7bit" 16 (NIL "in" NIL NIL NIL NIL NIL NIL NIL NIL) ("text" "plain'
        b'" ("charset" "us-ascii") NIL NIL "7bit" 1 0 NIL NIL NIL NIL) 2 NIL NIL NIL NIL)("text" "plain" ("cha'
        b'rset" "us-ascii") NIL NIL "7bit" 1 0 NIL NIL NIL NIL) "digest" ("boundary" "b") NIL NIL NIL)'),
    "unknown multipart": (
        b'(NIL "s" ((NIL NIL "a" "x.test")) ((NIL NIL "a" "x.test")) ((NIL NIL "a" "x.test")) NIL NIL NIL NIL '
        b'NIL)',
        b'(("text" "plain" ("charset" "us-ascii") NIL NIL "7bit" 1 0 NIL NIL NIL NIL) "x-what" ("boundary" "b"'
        b') NIL NIL NIL)'),
    "disposition": (
        b'(NIL "s" ((NIL NIL "a" "x.test")) ((NIL NIL "a" "x.test")) ((NIL NIL "a" "x.test")) NIL NIL NIL NIL '
        b'NIL)',
        b'("text" "plain" ("charset" "us-ascii") "<i@x>" "d e" "7bit" 6 1 "abc==" ("attachment" ("filename" "a'
        b';b\\"c" "size" "x")) ("de" "en") "http://x.test/")'),
    "broken disposition": (
        b'(NIL "s" ((NIL NIL "a" "x.test")) ((NIL NIL "a" "x.test")) ((NIL NIL "a" "x.test")) NIL NIL NIL NIL '
        b'NIL)',
        b'("text" "plain" ("charset" "us-ascii") NIL NIL "7bit" 6 1 NIL NIL NIL NIL)'),
    "no header": (
        b'(NIL NIL NIL NIL NIL NIL NIL NIL NIL NIL)',
        b'("text" "plain" ("charset" "us-ascii") NIL NIL "7bit" 6 1 NIL NIL NIL NIL)'),
    "header without a body": (
        b'(NIL "s" ((NIL NIL "a" "x.test")) ((NIL NIL "a" "x.test")) ((NIL NIL "a" "x.test")) NIL NIL NIL NIL '
        b'NIL)',
        b'("text" "plain" ("charset" "us-ascii") NIL NIL "7bit" 0 0 NIL NIL NIL NIL)'),
    "header that ends in the middle": (
        b'(NIL "s" ((NIL NIL "a" "x")) ((NIL NIL "a" "x")) ((NIL NIL "a" "x")) NIL NIL NIL NIL NIL)',
        b'("text" "plain" ("charset" "us-ascii") NIL NIL "7bit" 0 0 NIL NIL NIL NIL)'),
    "line without a colon": (
        b'(NIL "s" ((NIL NIL "a" "x.test")) ((NIL NIL "a" "x.test")) ((NIL NIL "a" "x.test")) NIL NIL NIL NIL '
        b'NIL)',
        b'("text" "plain" ("charset" "us-ascii") NIL NIL "7bit" 6 1 NIL NIL NIL NIL)'),
    "text from the first line on": (
        b'(NIL NIL NIL NIL NIL NIL NIL NIL NIL NIL)',
        b'("text" "plain" ("charset" "us-ascii") NIL NIL "7bit" 0 0 NIL NIL NIL NIL)'),
    "line of an mbox": (
        b'(NIL "s" NIL NIL NIL NIL NIL NIL NIL NIL)',
        b'("text" "plain" ("charset" "us-ascii") NIL NIL "7bit" 6 1 NIL NIL NIL NIL)'),
    "continuation first": (
        b'(NIL "s" NIL NIL NIL NIL NIL NIL NIL NIL)',
        b'("text" "plain" ("charset" "us-ascii") NIL NIL "7bit" 6 1 NIL NIL NIL NIL)'),
    "space in front of the colon": (
        b'(NIL "s" ((NIL NIL "a" "x.test")) ((NIL NIL "a" "x.test")) ((NIL NIL "a" "x.test")) NIL NIL NIL NIL '
        b'NIL)',
        b'("text" "plain" ("charset" "us-ascii") NIL NIL "7bit" 6 1 NIL NIL NIL NIL)'),
    "empty name": (
        b'(NIL "s" NIL NIL NIL NIL NIL NIL NIL NIL)',
        b'("text" "plain" ("charset" "us-ascii") NIL NIL "7bit" 6 1 NIL NIL NIL NIL)'),
    "fields twice": (
        b'("today" "one" ((NIL NIL "a" "x.test")(NIL NIL "b" "x.test")) ((NIL NIL "a" "x.test")(NIL NIL "b" "x'
        b'.test")) ((NIL NIL "a" "x.test")(NIL NIL "b" "x.test")) ((NIL NIL "c" "x.test")(NIL NIL "d" "x.test"'
        b')) NIL NIL NIL NIL)',
        b'("text" "plain" ("charset" "us-ascii") NIL NIL "7bit" 6 1 NIL NIL NIL NIL)'),
    "folded subject": (
        b'(NIL "one\ttwo    three" NIL NIL NIL NIL NIL NIL NIL NIL)',
        b'("text" "plain" ("charset" "us-ascii") NIL NIL "7bit" 6 1 NIL NIL NIL NIL)'),
    "line of blanks in a field": (
        b'(NIL "one   two" ((NIL NIL "a" "x.test")) ((NIL NIL "a" "x.test")) ((NIL NIL "a" "x.test")) NIL NIL '
        b'NIL NIL NIL)',
        b'("text" "plain" ("charset" "us-ascii") NIL NIL "7bit" 6 1 NIL NIL NIL NIL)'),
    "bytes above 127": (
        b'(NIL {7}\r\nGr\xc3\xbc\xc3\x9fe (({2}\r\n\xc3\xbc NIL "a" "x.test")) (({2}\r\n\xc3\xbc NIL "a" "x.test")) (({2}\r\n\xc3\xbc NIL "a" "x.tes'
        b't")) NIL NIL NIL NIL NIL)',
        b'("text" "plain" ("charset" "us-ascii") NIL NIL "7bit" 6 1 NIL NIL NIL NIL)'),
    "broken encoded words": (
        b'(NIL "=?utf-8?q?a?= =?x =?utf-8?b?!?=" NIL NIL NIL NIL NIL NIL NIL NIL)',
        b'("text" "plain" ("charset" "us-ascii") NIL NIL "7bit" 6 1 NIL NIL NIL NIL)'),
    "groups": (
        b'(NIL NIL NIL NIL NIL ((NIL NIL "one" NIL)(NIL NIL "a" "x.test")("B" NIL "b" "x.test")(NIL NIL NIL NI'
        b'L)(NIL NIL "c" "x.test")(NIL NIL "empty" NIL)(NIL NIL NIL NIL)) NIL NIL NIL NIL)',
        b'("text" "plain" ("charset" "us-ascii") NIL NIL "7bit" 6 1 NIL NIL NIL NIL)'),
    "addresses with comments": (
        b'(NIL NIL (("Joe Q. Pub\\"lic" NIL "joe" "x.test")) (("Joe Q. Pub\\"lic" NIL "joe" "x.test")) (("Joe Q.'
        b' Pub\\"lic" NIL "joe" "x.test")) NIL NIL NIL NIL NIL)',
        b'("text" "plain" ("charset" "us-ascii") NIL NIL "7bit" 6 1 NIL NIL NIL NIL)'),
    "old name in a comment": (
        b'(NIL NIL (("Joe Public" NIL "joe" "x.test")) (("Joe Public" NIL "joe" "x.test")) (("Joe Public" NIL '
        b'"joe" "x.test")) NIL NIL NIL NIL NIL)',
        b'("text" "plain" ("charset" "us-ascii") NIL NIL "7bit" 6 1 NIL NIL NIL NIL)'),
    "route": (
        b'(NIL NIL ((NIL "@a.test,@b.test" "joe" "x.test")) ((NIL "@a.test,@b.test" "joe" "x.test")) ((NIL "@a'
        b'.test,@b.test" "joe" "x.test")) NIL NIL NIL NIL NIL)',
        b'("text" "plain" ("charset" "us-ascii") NIL NIL "7bit" 6 1 NIL NIL NIL NIL)'),
    "unbalanced address": (
        b'(NIL NIL (("Joe" NIL "joe" "x.test")) (("Joe" NIL "joe" "x.test")) (("Joe" NIL "joe" "x.test")) ((NI'
        b'L NIL "a" "x.test")(NIL NIL "b" "x.test")) ((NIL NIL "c" "x.test")(NIL NIL "(d" "x.test")) NIL NIL N'
        b'IL)',
        b'("text" "plain" ("charset" "us-ascii") NIL NIL "7bit" 6 1 NIL NIL NIL NIL)'),
    "address without a domain": (
        b'(NIL NIL ((NIL NIL "joe" "")) ((NIL NIL "joe" "")) ((NIL NIL "joe" "")) ((NIL NIL "joe" "")(NIL NIL '
        b'"" "x.test")(NIL NIL "joe" "")) NIL NIL NIL NIL)',
        b'("text" "plain" ("charset" "us-ascii") NIL NIL "7bit" 6 1 NIL NIL NIL NIL)'),
    "commas": (
        b'(NIL NIL NIL NIL NIL ((NIL NIL "a" "x.test")(NIL NIL "b" "x.test")) NIL NIL NIL NIL)',
        b'("text" "plain" ("charset" "us-ascii") NIL NIL "7bit" 6 1 NIL NIL NIL NIL)'),
    "dots": (
        b'(NIL NIL (("J. Q. Public" NIL "j..q." "x.test")) (("J. Q. Public" NIL "j..q." "x.test")) (("J. Q. Pu'
        b'blic" NIL "j..q." "x.test")) ((NIL NIL ".a" "x.test")) NIL NIL NIL NIL)',
        b'("text" "plain" ("charset" "us-ascii") NIL NIL "7bit" 6 1 NIL NIL NIL NIL)'),
    "sender alone": (
        b'(NIL NIL NIL ((NIL NIL "s" "x.test")) NIL NIL NIL NIL NIL NIL)',
        b'("text" "plain" ("charset" "us-ascii") NIL NIL "7bit" 6 1 NIL NIL NIL NIL)'),
    "empty sender": (
        b'(NIL NIL ((NIL NIL "a" "x.test")) ((NIL NIL "a" "x.test")) ((NIL NIL "a" "x.test")) NIL NIL NIL NIL '
        b'NIL)',
        b'("text" "plain" ("charset" "us-ascii") NIL NIL "7bit" 6 1 NIL NIL NIL NIL)'),
    "domain literal": (
        b'(NIL NIL ((NIL NIL "a" "[127.0.0.1]")) ((NIL NIL "a" "[127.0.0.1]")) ((NIL NIL "a" "[127.0.0.1]")) N'
        b'IL NIL NIL NIL NIL)',
        b'("text" "plain" ("charset" "us-ascii") NIL NIL "7bit" 6 1 NIL NIL NIL NIL)'),
    "comments in comments": (
        b'(NIL "s" ((NIL NIL "(((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((('
        b'((((((((((((((((((((((((((((((((((((((((((((((((((...((((((((((((((((((((((((((((((((((((((((((((((('
        b'(((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((a" "x.test")) NIL NIL NIL NIL N'
        b'IL)',
        b'("text" "plain" ("charset" "us-ascii") NIL NIL "7bit" 6 1 NIL NIL NIL NIL)'),
    "a thousand addresses": (
        b'(NIL NIL NIL NIL NIL ((NIL NIL "u0" "x.test")(NIL NIL "u1" "x.test")(NIL NIL "u2" "x.test")(NIL NIL '
        b'"u3" "x.test")(NIL NIL "u4" "x.test")(NIL NIL "u5"....test")(NIL NIL "u995" "x.test")(NIL NIL "u996"'
        b' "x.test")(NIL NIL "u997" "x.test")(NIL NIL "u998" "x.test")(NIL NIL "u999" "x.test")) NIL NIL NIL N'
        b'IL)',
        b'("text" "plain" ("charset" "us-ascii") NIL NIL "7bit" 6 1 NIL NIL NIL NIL)'),
    "identifiers": (
        b'("Thu, 1 Jan 1970" NIL NIL NIL NIL NIL NIL NIL "your message of <x@y>" "<a@b> (c)")',
        b'("text" "plain" ("charset" "us-ascii") NIL NIL "7bit" 6 1 NIL NIL NIL NIL)'),
    "seventy multiparts inside each other": (
        b'(NIL NIL NIL NIL NIL NIL NIL NIL NIL NIL)',
        b'((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((("application" "octet-stream" NIL NI'
        b'L NIL "7bit" 337 NIL NIL NIL NIL) "mixed" ("bounda...d" ("boundary" "b3") NIL NIL NIL) "mixed" ("bou'
        b'ndary" "b2") NIL NIL NIL) "mixed" ("boundary" "b1") NIL NIL NIL) "mixed" ("boundary" "b0") NIL NIL N'
        b'IL)'),
    "a hundred messages inside each other": (
        b'(NIL NIL NIL NIL NIL NIL NIL NIL NIL NIL)',
        b'("message" "rfc822" NIL NIL NIL "7bit" 3191 (NIL NIL NIL NIL NIL NIL NIL NIL NIL NIL) ("message" "rf'
        b'c822" NIL NIL NIL "7bit" 3159 (NIL NIL NIL NIL NIL...IL) 189 NIL NIL NIL NIL) 191 NIL NIL NIL NIL) 1'
        b'93 NIL NIL NIL NIL) 195 NIL NIL NIL NIL) 197 NIL NIL NIL NIL) 199 NIL NIL NIL NIL) 201 NIL NIL NIL N'
        b'IL)'),
    "five thousand parts": (
        b'(NIL "s" ((NIL NIL "a" "x.test")) ((NIL NIL "a" "x.test")) ((NIL NIL "a" "x.test")) NIL NIL NIL NIL '
        b'NIL)',
        b'(("text" "plain" ("charset" "us-ascii") NIL NIL "7bit" 1 0 NIL NIL NIL NIL)("text" "plain" ("charset'
        b'" "us-ascii") NIL NIL "7bit" 1 0 NIL NIL NIL NIL)(...NIL "7bit" 1 0 NIL NIL NIL NIL)("text" "plain" '
        b'("charset" "us-ascii") NIL NIL "7bit" 10011 3003 NIL NIL NIL NIL) "mixed" ("boundary" "b") NIL NIL N'
        b'IL)'),
    "ten thousand fields": (
        b'(NIL "s" NIL NIL NIL NIL NIL NIL NIL NIL)',
        b'("text" "plain" ("charset" "us-ascii") NIL NIL "7bit" 6 1 NIL NIL NIL NIL)'),
}
