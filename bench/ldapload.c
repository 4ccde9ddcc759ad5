/*
 * bench/ldapload.c - asks an LDAP server for completions and prints figures as JSON.
 *
 *     ldapload URL BASE MODE SECONDS WORDS
 *
 * MODE prefix: (|(cn=w*)(sn=w*)(givenName=w*)(mail=w*)), infix: (|(cn=*w*)(mail=*w*)), exact:
 * (mail=w). WORDS is a file, a word a line. At most 100 entries, cn and mail of each, one search
 * after the other on one connection. The same client library for every server.
 */
#include <ldap.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { WORDS_MAX = 10000, LATENCIES_MAX = 2000000, SIZE_LIMIT = 100 };

static char *words[WORDS_MAX];
static double latencies[LATENCIES_MAX];

static double
now_us(void)
{
    struct timespec ts;

    (void)clock_gettime(CLOCK_MONOTONIC, &ts);
    return (double)ts.tv_sec * 1e6 + (double)ts.tv_nsec / 1e3;
}

static size_t
read_words(const char *path)
{
    FILE *file = fopen(path, "r");
    char line[256];
    size_t count = 0;

    if (file == NULL)
        exit(2);
    while (count < WORDS_MAX && fgets(line, sizeof(line), file) != NULL) {
        line[strcspn(line, "\n")] = '\0';
        words[count++] = strdup(line);
    }
    (void)fclose(file);
    return count;
}

static void
make_filter(const char *mode, const char *w, char *out, size_t size)
{
    if (strcmp(mode, "prefix") == 0)
        (void)snprintf(out, size, "(|(cn=%s*)(sn=%s*)(givenName=%s*)(mail=%s*))", w, w, w, w);
    else if (strcmp(mode, "infix") == 0)
        (void)snprintf(out, size, "(|(cn=*%s*)(mail=*%s*))", w, w);
    else
        (void)snprintf(out, size, "(mail=%s)", w);
}

static int
compare(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;

    return x < y ? -1 : x > y;
}

int
main(int argc, char **argv)
{
    static char *attributes[] = {"cn", "mail", NULL};
    size_t count, done = 0, entries = 0;
    int version = LDAP_VERSION3, rc;
    double began, end;
    LDAP *ld;

    if (argc != 6 || ldap_initialize(&ld, argv[1]) != LDAP_SUCCESS)
        return 2;
    (void)ldap_set_option(ld, LDAP_OPT_PROTOCOL_VERSION, &version);
    count = read_words(argv[5]);
    if (count == 0)
        return 2;
    began = now_us();
    end = began + atof(argv[4]) * 1e6;
    while (now_us() < end && done < LATENCIES_MAX) {
        char filter[1024];
        LDAPMessage *result = NULL;
        double start;

        make_filter(argv[3], words[done % count], filter, sizeof(filter));
        start = now_us();
        rc = ldap_search_ext_s(ld, argv[2], LDAP_SCOPE_SUBTREE, filter, attributes, 0, NULL, NULL,
                               NULL, SIZE_LIMIT, &result);
        latencies[done++] = now_us() - start;
        if (rc != LDAP_SUCCESS && rc != LDAP_SIZELIMIT_EXCEEDED) {
            (void)fprintf(stderr, "%s: %s\n", filter, ldap_err2string(rc));
            return 1;
        }
        entries += (size_t)ldap_count_entries(ld, result);
        (void)ldap_msgfree(result);
    }
    end = now_us();
    qsort(latencies, done, sizeof(latencies[0]), compare);
    (void)printf("{\"rate\": %.1f, \"median_us\": %.1f, \"p99_us\": %.1f, \"entries\": %.2f}\n",
                 (double)done / (end - began) * 1e6, latencies[done / 2],
                 latencies[done * 99 / 100], (double)entries / (double)done);
    (void)ldap_unbind_ext_s(ld, NULL, NULL);
    return 0;
}
