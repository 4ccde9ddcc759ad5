/*
 * lib/api/api.c - the table of calls, and looking things up in it.
 */
#include "lib/api/api.h"

const struct api_call api_calls[API_CALL_COUNT] = {
#define CALL(id, name, right, verb, kind, help)                                                    \
    [id] = {name, (int)(right), verb, (int)(kind), help},
#define PARAM(call, name, type, min, max, flags, to, choices, help)
#define RESULT(call, number, meaning)
#include "lib/api/api.def"
#undef CALL
#undef PARAM
#undef RESULT
};

static const struct api_param params[] = {
#define CALL(id, name, right, verb, kind, help)
#define PARAM(call, name, type, min, max, flags, to, choices, help)                                \
    {call, name, type, min, max, flags, to, choices, help},
#define RESULT(call, number, meaning)
#include "lib/api/api.def"
#undef CALL
#undef PARAM
#undef RESULT
};

static const struct {
    enum api_call_id call;
    unsigned number;
    const char *meaning;
} results[] = {
#define CALL(id, name, right, verb, kind, help)
#define PARAM(call, name, type, min, max, flags, to, choices, help)
#define RESULT(call, number, meaning) {call, number, meaning},
#include "lib/api/api.def"
#undef CALL
#undef PARAM
#undef RESULT
};

int
api_call_find(struct slice name)
{
    for (int i = 0; i < API_CALL_COUNT; i++)
        if (slice_eq(name, slice_of(api_calls[i].name)))
            return i;
    return -1;
}

int
api_call_oper_kind(enum api_call_id call)
{
    return api_calls[call].kind >= API_OF(0) ? api_calls[call].kind - API_OF(0) : -1;
}

const struct api_param *
api_params_of(enum api_call_id call, size_t *count)
{
    size_t first = 0, end;

    while (first < ARRAY_LEN(params) && params[first].call != call)
        first++;
    for (end = first; end < ARRAY_LEN(params) && params[end].call == call; end++)
        continue;
    *count = end - first;
    return params + (first < ARRAY_LEN(params) ? first : 0);
}

const char *
api_result_meaning(enum api_call_id call, size_t n, unsigned *number)
{
    for (size_t i = 0; i < ARRAY_LEN(results); i++) {
        if (results[i].call != call || n-- > 0)
            continue;
        *number = results[i].number;
        return results[i].meaning;
    }
    return NULL;
}

bool
api_allows(enum api_call_id call, const struct record *admin)
{
    switch (api_calls[call].right) {
    case API_ANY:
        return true;
    case API_SUPER:
        return account_rights_super(admin);
    default:
        break;
    }
    if (account_rights_have(admin, (enum account_right)api_calls[call].right))
        return true;
    /* Who may do the one may also do the other. */
    if (api_calls[call].right == ACCOUNT_RIGHT_PASSWORDS)
        return account_rights_have(admin, ACCOUNT_RIGHT_USERS);
    return api_calls[call].right == ACCOUNT_RIGHT_SETTINGS &&
           account_rights_have(admin, ACCOUNT_RIGHT_DOMAINS);
}
