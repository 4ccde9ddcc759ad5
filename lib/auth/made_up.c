/*
 * lib/auth/made_up.c - passwords that nobody chose.
 */
#include "lib/auth/made_up.h"

#include "lib/auth/policy.h"
#include "lib/base/mem.h"
#include "lib/base/random.h"

#define GROUP 5

void
made_up_password(unsigned min_length, struct strbuf *out)
{
    const struct policy all = {.classes = POLICY_CLASSES};
    size_t len = min_length < MADE_UP_LEN ? MADE_UP_LEN : min_length;
    struct strbuf why = strbuf_new(500);
    char text[MADE_UP_MAX + 1];

    assert_always(len <= MADE_UP_MAX); /* no policy asks for more */
    do {
        random_name(text, len);
        for (size_t i = GROUP; i < len; i += GROUP + 1)
            text[i] = '-';
        strbuf_clear(&why);
    } while (policy_check(&all, SLICE(""), slice_make(text, len), &why) < 0);
    (void)strbuf_append(out, slice_make(text, len)); /* the caller has made room */
    mem_wipe(text, sizeof(text));
    strbuf_free(&why);
}
