/*
 * lib/api/api_c.c - the calls as functions of the C library: prototypes and bodies, from the table.
 */
#include "lib/api/api.h"

/* "AddUser" is posthorn_add_user. */
static void
write_name(struct strbuf *out, enum api_call_id call)
{
    (void)strbuf_str(out, "posthorn");
    for (const char *c = api_calls[call].name; *c != '\0'; c++) {
        if (*c >= 'A' && *c <= 'Z')
            (void)strbuf_char(out, '_');
        (void)strbuf_char(out, *c >= 'A' && *c <= 'Z' ? (char)(*c + 32) : *c);
    }
}

static bool
is_text(const struct api_param *p)
{
    return p->type == API_TEXT || p->type == API_OBJECT;
}

/* "new" means something in C++. */
static const char *
c_name(const struct api_param *p)
{
    return strcmp(p->name, "new") == 0 ? "new_one" : p->name;
}

static void
write_prototype(struct strbuf *out, enum api_call_id call)
{
    size_t count;
    const struct api_param *params = api_params_of(call, &count);

    (void)strbuf_str(out, "int ");
    write_name(out, call);
    (void)strbuf_str(out, "(struct posthorn *p");
    for (size_t i = 0; i < count; i++)
        (void)strbuf_printf(out, ", %s%s", is_text(&params[i]) ? "const char *" : "int64_t ",
                            c_name(&params[i]));
    (void)strbuf_char(out, ')');
}

void
api_c_header(struct strbuf *out)
{
    (void)strbuf_str(out, "/* Made from lib/api/api.def. Objects are given as JSON; of the answer "
                          "see posthorn_answer(). */\n");
    for (int i = 0; i < API_CALL_COUNT; i++) {
        if (i == API_LOGIN)
            continue;
        (void)strbuf_printf(out, "/* %s. */\n", api_calls[i].help);
        write_prototype(out, (enum api_call_id)i);
        (void)strbuf_str(out, ";\n");
    }
}

static void
write_param(struct strbuf *out, const struct api_param *p)
{
    if (is_text(p))
        (void)strbuf_printf(out,
                            "    if (%s != NULL)\n        params[n++] = (struct posthorn_param)"
                            "{\"%s\", %s, 0, %d};\n",
                            c_name(p), p->name, c_name(p), p->type == API_OBJECT);
    else if (p->type == API_BOOL)
        (void)strbuf_printf(out,
                            "    if (%s >= 0)\n        params[n++] = (struct posthorn_param)"
                            "{\"%s\", %s > 0 ? \"true\" : \"false\", 0, 1};\n",
                            c_name(p), p->name, c_name(p));
    else
        (void)strbuf_printf(out,
                            "    if (%s >= 0)\n        params[n++] = (struct posthorn_param)"
                            "{\"%s\", NULL, %s, 0};\n",
                            c_name(p), p->name, c_name(p));
}

void
api_c_source(struct strbuf *out)
{
    (void)strbuf_str(out, "/* Made from lib/api/api.def. */\n"
                          "#include \"include/posthorn.h\"\n\n#include <stddef.h>\n");
    for (int i = 0; i < API_CALL_COUNT; i++) {
        size_t count;
        const struct api_param *params = api_params_of((enum api_call_id)i, &count);

        if (i == API_LOGIN) /* which also remembers: libposthorn/posthorn.c */
            continue;
        (void)strbuf_char(out, '\n');
        write_prototype(out, (enum api_call_id)i);
        if (count == 0) {
            (void)strbuf_printf(out, "\n{\n    return posthorn_call(p, \"%s\", NULL, 0);\n}\n",
                                api_calls[i].name);
            continue;
        }
        (void)strbuf_printf(
            out, "\n{\n    struct posthorn_param params[%zu];\n    unsigned n = 0;\n\n", count);
        for (size_t p = 0; p < count; p++)
            write_param(out, &params[p]);
        (void)strbuf_printf(out, "    return posthorn_call(p, \"%s\", params, n);\n}\n",
                            api_calls[i].name);
    }
}
