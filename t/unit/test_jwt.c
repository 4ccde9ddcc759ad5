/*
 * t/unit/test_jwt.c - lib/auth/jwt: tokens of an issuer made for this test, and
 * lib/auth/oauth_place. What is good and what is not goes by the table; time stands still at NOW_S.
 */
#include <check.h>
#include <stdlib.h>

#include "lib/auth/jwt.h"
#include "lib/auth/oauth_place.h"
#include "lib/base/mem.h"

enum { NOW_S = 1800000000 };

static const char keys[] =
    "{\"keys\": [{\"kty\": \"RSA\", \"kid\": \"r\", \"n\": \"kOYqeXDzF6ZVnrVHki9yewhu6SJMRg6K"
    "Jv9Ql7wMOSjL_AMXncEJkjE8cYgSYOhfPlGn3Hteq3-zJEfpTLuvW300SYuBIKm6Syp5U3wTIrY5Wqdglqctxniv"
    "Tu9uPZ36mqHvcQuFLgTNYeMSyOJlhB2pEEuu3NLb3t7QczCEgXm6vXBhHvpyCYcpHLFIi73-o-BFdPbVMg1C_xrI"
    "uWvAysmPGqeJkRJ6xnxHXqxcSECHLcH8G0Q37uXZea6iucs3VzBVg_jRZUT6NUPCNAEvMXFIkFmibqOGINhU8N7v"
    "zGpgiECfqjoadNB2C13VWQnkoWOSrNFSTJazrGW3HIYjJw\", \"e\": \"AQAB\"}, {\"kty\": \"EC\", \""
    "kid\": \"e\", \"crv\": \"P-256\", \"x\": \"VplaI4bK_vxewdZi8wgPmvwpetJ052XA2Jg3uL8XCPw\""
    ", \"y\": \"NJ5JFsGEdMLEyTUCGGKkzbzgDg_bQSfSucsSV-yeq3U\"}, {\"kty\": \"OKP\", \"kid\": \""
    "d\", \"crv\": \"Ed25519\", \"x\": \"iVJUTTb65BjpNOJiPRTLxnY-3a1XDaUPJ1zee5urKcM\"}, {\"k"
    "ty\": \"RSA\", \"kid\": \"x\", \"use\": \"enc\", \"n\": \"kOYqeXDzF6ZVnrVHki9yewhu6SJMRg"
    "6KJv9Ql7wMOSjL_AMXncEJkjE8cYgSYOhfPlGn3Hteq3-zJEfpTLuvW300SYuBIKm6Syp5U3wTIrY5Wqdglqctxn"
    "ivTu9uPZ36mqHvcQuFLgTNYeMSyOJlhB2pEEuu3NLb3t7QczCEgXm6vXBhHvpyCYcpHLFIi73-o-BFdPbVMg1C_x"
    "rIuWvAysmPGqeJkRJ6xnxHXqxcSECHLcH8G0Q37uXZea6iucs3VzBVg_jRZUT6NUPCNAEvMXFIkFmibqOGINhU8N"
    "7vzGpgiECfqjoadNB2C13VWQnkoWOSrNFSTJazrGW3HIYjJw\", \"e\": \"AQAB\"}]}";

static const struct {
    const char *what, *token;
    enum jwt_verdict verdict;
} tokens[] = {
    {"RS256",
     "eyJhbGciOiAiUlMyNTYiLCAia2lkIjogInIifQ.eyJpc3MiOiAiaHR0cHM6Ly9pc3N1ZXIudGVzdCIsICJhdWQiO"
     "iAibWFpbCIsICJlbWFpbCI6ICJhbm5AZC50ZXN0IiwgImV4cCI6IDIwMDAwMDAwMDB9.Cr3djXRWlcfxcH7VVud_"
     "CC_ut0cApBktktsT2e8W0zJvYhBmpREX0s1qcuf444Iwu5rYn4VAzTt7_zXqigh6J2fAyw4A5-1fwpAO8bpM5vmz"
     "Bfc8UF_jXFgzvhgRJ-E30dCtsiId8RsJvhyv3Oqrev1sNoNdl9xIHm_q2hfc7-GVFt0ajq41_GV8I4p3VnyOqgjr"
     "Bucn2-X2_yElYGXLUSj3mAbg9DW9eBGNhh6QrmA5dC978XEqc-kn8caeWKmYHUT5leQNPmqXwsRBkvQaZ6_6Q2Pl"
     "TE44HKlhzrwwCcgmUrvogw90vwXkcw8CrV9iwPQ10w1H2dB65unFGWwNqw",
     JWT_GOOD},
    {"ES256",
     "eyJhbGciOiAiRVMyNTYiLCAia2lkIjogImUifQ.eyJpc3MiOiAiaHR0cHM6Ly9pc3N1ZXIudGVzdCIsICJhdWQiO"
     "iAibWFpbCIsICJlbWFpbCI6ICJhbm5AZC50ZXN0IiwgImV4cCI6IDIwMDAwMDAwMDB9.9O47f6klD2IOag8r8MmD"
     "0p8mAfT_QbXR5WqbhQ8b6YmBPbiiNhKRU0ZbC7uNMTFw_JOtqz4njZGShe-cC5VK6g",
     JWT_GOOD},
    {"EdDSA",
     "eyJhbGciOiAiRWREU0EiLCAia2lkIjogImQifQ.eyJpc3MiOiAiaHR0cHM6Ly9pc3N1ZXIudGVzdCIsICJhdWQiO"
     "iAibWFpbCIsICJlbWFpbCI6ICJhbm5AZC50ZXN0IiwgImV4cCI6IDIwMDAwMDAwMDB9.0sGu1JjAEqIemFzujd9a"
     "chPRlCoSAWjGDjpxoY1HuhkIcATJ6amkwmQC0IbRU0jEEoOK5JlanLDPfp8e7memBA",
     JWT_GOOD},
    {"no key named",
     "eyJhbGciOiAiRVMyNTYifQ.eyJpc3MiOiAiaHR0cHM6Ly9pc3N1ZXIudGVzdCIsICJhdWQiOiAibWFpbCIsICJlb"
     "WFpbCI6ICJhbm5AZC50ZXN0IiwgImV4cCI6IDIwMDAwMDAwMDB9.AFuqgtklpOH9IHRn76QwVdaQwH6tzkWUM5a1"
     "qYIgysGIcKgws4FaSg8E9sc5eUf39z_6CQKDKy6FoTDEeEtpZg",
     JWT_GOOD},
    {"an audience of several",
     "eyJhbGciOiAiRWREU0EiLCAia2lkIjogImQifQ.eyJpc3MiOiAiaHR0cHM6Ly9pc3N1ZXIudGVzdCIsICJhdWQiO"
     "iBbIngiLCAibWFpbCJdLCAiZW1haWwiOiAiYW5uQGQudGVzdCIsICJleHAiOiAyMDAwMDAwMDAwfQ.b5i7ahSV7Q"
     "g2QzZwbLtckxgFoQHEtSfO8CoeAgXg8lVvdwJktrNl7FccYXWffvX3PHp-6dW36rG7h4sH3HmVCg",
     JWT_GOOD},
    {"another issuer",
     "eyJhbGciOiAiRWREU0EiLCAia2lkIjogImQifQ.eyJpc3MiOiAiaHR0cHM6Ly9pc3N1ZXIudGVzdC8iLCAiYXVkI"
     "jogIm1haWwiLCAiZW1haWwiOiAiYW5uQGQudGVzdCIsICJleHAiOiAyMDAwMDAwMDAwfQ.KN8e3NpSe8tr-YnWDZ"
     "U-8TtWJhnBJsWq3WLqxERMvaVeB-g7lTWJOkxfDfz8JNohTQ8GgtJYZb7sb_KXNcNrDA",
     JWT_BAD},
    {"another audience",
     "eyJhbGciOiAiRWREU0EiLCAia2lkIjogImQifQ.eyJpc3MiOiAiaHR0cHM6Ly9pc3N1ZXIudGVzdCIsICJhdWQiO"
     "iBbIngiXSwgImVtYWlsIjogImFubkBkLnRlc3QiLCAiZXhwIjogMjAwMDAwMDAwMH0.EAf8mf2OwZgRMDaA6JThf"
     "69L6NxaITw_nBwSSnIwrOFYYyQ9iOW0mmeTCTSnk9c4O2i0qA92th0v5ZqNJtjuCg",
     JWT_BAD},
    {"expired",
     "eyJhbGciOiAiRWREU0EiLCAia2lkIjogImQifQ.eyJpc3MiOiAiaHR0cHM6Ly9pc3N1ZXIudGVzdCIsICJhdWQiO"
     "iAibWFpbCIsICJlbWFpbCI6ICJhbm5AZC50ZXN0IiwgImV4cCI6IDE4MDAwMDAwMDB9.D9eqCTyDNlt0-cmdlW5G"
     "tpx_FrknbqvkIW_eJZuGJMqV8aALfqrMehAHgpsoPHomQYwzDdgMyp0GAsq0uR1iBw",
     JWT_BAD},
    {"without end",
     "eyJhbGciOiAiRWREU0EiLCAia2lkIjogImQifQ.eyJpc3MiOiAiaHR0cHM6Ly9pc3N1ZXIudGVzdCIsICJhdWQiO"
     "iAibWFpbCIsICJlbWFpbCI6ICJhbm5AZC50ZXN0In0.CeXGGEBnCnSpmul7yt6FPw4OmXzpaAPDU-_Mn7UdwRbyj"
     "9rwk2-oYAtzxoTyhAkhXTWCeWPc1qzIURAuCqtmDA",
     JWT_BAD},
    {"not yet",
     "eyJhbGciOiAiRWREU0EiLCAia2lkIjogImQifQ.eyJpc3MiOiAiaHR0cHM6Ly9pc3N1ZXIudGVzdCIsICJhdWQiO"
     "iAibWFpbCIsICJlbWFpbCI6ICJhbm5AZC50ZXN0IiwgImV4cCI6IDIwMDAwMDAwMDAsICJuYmYiOiAxODAwMDAwM"
     "DYxfQ.ZDSh_r0b2eP8KpgfbcWgdFPhkv7yMpSFv6kjs0jxAvFX7cg4HBvcw14Yk_iAzVnXxxmNlsw6FMTZNo74Ci"
     "pvCA",
     JWT_BAD},
    {"about now",
     "eyJhbGciOiAiRWREU0EiLCAia2lkIjogImQifQ.eyJpc3MiOiAiaHR0cHM6Ly9pc3N1ZXIudGVzdCIsICJhdWQiO"
     "iAibWFpbCIsICJlbWFpbCI6ICJhbm5AZC50ZXN0IiwgImV4cCI6IDIwMDAwMDAwMDAsICJuYmYiOiAxODAwMDAwM"
     "DYwfQ.2jqzT8yS-lF9RP_zQyLIUWzLQB5NIEV5rDi73HF61O2rukruq1V5kBmU5rmKDkkzA73V52MOP58W8lIrI4"
     "5hAA",
     JWT_GOOD},
    {"nobody",
     "eyJhbGciOiAiRWREU0EiLCAia2lkIjogImQifQ.eyJpc3MiOiAiaHR0cHM6Ly9pc3N1ZXIudGVzdCIsICJhdWQiO"
     "iAibWFpbCIsICJleHAiOiAyMDAwMDAwMDAwfQ.VQqiWquK-e9r8_MjAa_cKDikARyGqAAqOIHEL8_4_FNt43ZLdM"
     "AOBBOSlqU6X8fszLqA8ht5tkWq-RFW2U-RAQ",
     JWT_BAD},
    {"a key of another kind",
     "eyJhbGciOiAiRVMyNTYiLCAia2lkIjogInIifQ.eyJpc3MiOiAiaHR0cHM6Ly9pc3N1ZXIudGVzdCIsICJhdWQiO"
     "iAibWFpbCIsICJlbWFpbCI6ICJhbm5AZC50ZXN0IiwgImV4cCI6IDIwMDAwMDAwMDB9.ObPesnGaWCVn5XwayoGk"
     "YtP56gS78AO3cE9AOldXh4g4ohVQKyr2YirrzHwU8AnB_wRkp1BZ6QMP8k_jbV6Fcg",
     JWT_BAD},
    {"a key for encryption",
     "eyJhbGciOiAiUlMyNTYiLCAia2lkIjogIngifQ.eyJpc3MiOiAiaHR0cHM6Ly9pc3N1ZXIudGVzdCIsICJhdWQiO"
     "iAibWFpbCIsICJlbWFpbCI6ICJhbm5AZC50ZXN0IiwgImV4cCI6IDIwMDAwMDAwMDB9.I-o62ISTIbCxPKGpDCms"
     "Z_T89_MSYTVATjZAKE6FSbKlGDat7mGw7aKZciX24fNUNAq5aGdSFPM0qnxSI8RdPf-O-6ZNwcey4xdDlmn4GB1n"
     "GsLZ9YFmWTlBbjK1SDa1kSdTM_QYgCYNDxvievTC6rjdr8sWz80YX8uKViQFpqRqFl9CI9518aoklsvFmKcLV5LY"
     "FM79XTStUboLhQaZzVCiVlk6atDuPxfKuWfV3oCXhmGi9R0ZgVA8lMbusyzPwt0TeUezitDQAUlftZlZButdOgzu"
     "W7LFnQXpWt0UUes54S2fP0q1N6tf5fxn6xa-yd0wC_RXxhxOGTkAEhdoCw",
     JWT_UNKNOWN_KEY},
    {"an unknown key",
     "eyJhbGciOiAiUlMyNTYiLCAia2lkIjogInEifQ.eyJpc3MiOiAiaHR0cHM6Ly9pc3N1ZXIudGVzdCIsICJhdWQiO"
     "iAibWFpbCIsICJlbWFpbCI6ICJhbm5AZC50ZXN0IiwgImV4cCI6IDIwMDAwMDAwMDB9.G2JAYqboOqVx2oInTQEk"
     "3Cth8B9MGk7en1HrTeLQ2bcfHTDCoUBJdUqOfk5hCo7oBZYE-3TfgFxijdjhU8M-CQW87jMJ2Wj5B89VR8zSJqgj"
     "CQaYG_CZGRavpUnzBxzOgBdb9fTjMsvb0wzezUSqRXLB57AgwoFsTzbcddbCBbr6oJT01Id5ya3cZvTt8F9ij7TZ"
     "WIkWyVMIkHQjqQYal17GEZ8ZR5SzL7tGc7WsEW6z_K_PQC2YZBcht-VVOr17WUhyT4XMZgW8CPU1QNWUqywXoX8L"
     "dkZS-pSw3VYdt5_Fbx0UQACP05P7ZIg4Yb8dg8H0m1DbiciZiXQ5YEM8LA",
     JWT_UNKNOWN_KEY},
    {"no algorithm",
     "eyJhbGciOiAibm9uZSIsICJraWQiOiAiciJ9.eyJpc3MiOiAiaHR0cHM6Ly9pc3N1ZXIudGVzdCIsICJhdWQiOiA"
     "ibWFpbCIsICJlbWFpbCI6ICJhbm5AZC50ZXN0IiwgImV4cCI6IDIwMDAwMDAwMDB9.eA",
     JWT_BAD},
    {"a symmetric one",
     "eyJhbGciOiAiSFMyNTYiLCAia2lkIjogInIifQ.eyJpc3MiOiAiaHR0cHM6Ly9pc3N1ZXIudGVzdCIsICJhdWQiO"
     "iAibWFpbCIsICJlbWFpbCI6ICJhbm5AZC50ZXN0IiwgImV4cCI6IDIwMDAwMDAwMDB9.eA",
     JWT_BAD},
    {"something critical",
     "eyJhbGciOiAiRWREU0EiLCAiY3JpdCI6IFsiYjY0Il0sICJraWQiOiAiZCJ9.eyJpc3MiOiAiaHR0cHM6Ly9pc3N"
     "1ZXIudGVzdCIsICJhdWQiOiAibWFpbCIsICJlbWFpbCI6ICJhbm5AZC50ZXN0IiwgImV4cCI6IDIwMDAwMDAwMDB"
     "9.XGhzcCohYyEGQ0BO3k8L02QwJd6GcThH9AwaD-33uJpricCXwDFMQkyzjowmQKShZ3cdv_F0L_FxS4YWNF96Dw",
     JWT_BAD},
    {"a changed byte",
     "eyJhbGciOiAiRWREU0EiLCAia2lkIjogImQifQ.eyJpc3MiOiAiaHR0cHM6Ly9pc3N1ZXIudGVzdCIsICJhdWQiO"
     "iAibWFpbCIsICJlbWFpbCI6ICJhbm5AZC50ZXN0IiwgImV4cCI6IDIwMDAwMDAwMDB9.0sGu1JjAEqIemFzujd9a"
     "chPRlCoSAWjGDjpxoY1HuhkIcATJ6amkwmQC0IbRU0jEEoOK5JlanLDPfp8e7meABA",
     JWT_BAD},
    {"other claims",
     "eyJhbGciOiAiRWREU0EiLCAia2lkIjogImQifQ.eyJpc3MiOiAiaHR0cHM6Ly9pc3N1ZXIudGVzdCIsICJhdWQiO"
     "iAibWFpbCIsICJlbWFpbCI6ICJldmVAZC50ZXN0IiwgImV4cCI6IDIwMDAwMDAwMDB9.0sGu1JjAEqIemFzujd9a"
     "chPRlCoSAWjGDjpxoY1HuhkIcATJ6amkwmQC0IbRU0jEEoOK5JlanLDPfp8e7memBA",
     JWT_BAD},
    {"two parts",
     "eyJhbGciOiAiRWREU0EiLCAia2lkIjogImQifQ.eyJpc3MiOiAiaHR0cHM6Ly9pc3N1ZXIudGVzdCIsICJhdWQiO"
     "iAibWFpbCIsICJlbWFpbCI6ICJhbm5AZC50ZXN0IiwgImV4cCI6IDIwMDAwMDAwMDB9",
     JWT_BAD},
    {"nothing", "", JWT_BAD},
    {"four parts",
     "eyJhbGciOiAiRWREU0EiLCAia2lkIjogImQifQ.eyJpc3MiOiAiaHR0cHM6Ly9pc3N1ZXIudGVzdCIsICJhdWQiO"
     "iAibWFpbCIsICJlbWFpbCI6ICJhbm5AZC50ZXN0IiwgImV4cCI6IDIwMDAwMDAwMDB9.0sGu1JjAEqIemFzujd9a"
     "chPRlCoSAWjGDjpxoY1HuhkIcATJ6amkwmQC0IbRU0jEEoOK5JlanLDPfp8e7memBA.x",
     JWT_BAD},
};

static const struct jwt_rules rules = {.issuer = {"https://issuer.test", 19},
                                       .audience = {"mail", 4},
                                       .claim = {"email", 5},
                                       .now_s = NOW_S};

START_TEST(tokens_are_judged)
{
    struct strbuf value = strbuf_new(JWT_CLAIM_MAX);
    const char *why = NULL;
    enum jwt_verdict verdict =
        jwt_check(slice_of(tokens[_i].token), slice_of(keys), &rules, &value, &why);

    ck_assert_msg(verdict == tokens[_i].verdict, "%s: %d, %s", tokens[_i].what, verdict, why);
    ck_assert_str_eq(strbuf_cstr(&value), verdict == JWT_GOOD ? "ann@d.test" : "");
    strbuf_free(&value);
}
END_TEST

START_TEST(damaged_keys_are_no_keys)
{
    static const char *const sets[] = {"",
                                       "{",
                                       "[]",
                                       "{\"keys\":1}",
                                       "{\"keys\":[1,{}]}",
                                       "{\"keys\":[{\"kty\":\"OKP\",\"kid\":\"d\",\"crv\":"
                                       "\"Ed25519\",\"x\":\"AA\"}]}"};
    struct strbuf value = strbuf_new(JWT_CLAIM_MAX);
    const char *why;

    for (size_t i = 0; i < ARRAY_LEN(sets); i++)
        ck_assert_int_ne(
            jwt_check(slice_of(tokens[2].token), slice_of(sets[i]), &rules, &value, &why),
            JWT_GOOD);
    strbuf_free(&value);
}
END_TEST

static const struct {
    const char *answer;
    bool good;
} answers[] = {
    {"{\"active\":true,\"email\":\"ann@d.test\",\"aud\":\"mail\"}", true},
    {"{\"active\":true,\"email\":\"ann@d.test\",\"aud\":\"mail\",\"iss\":\"https://issuer.test\"}",
     true},
    {"{\"active\":true,\"email\":\"ann@d.test\",\"aud\":\"mail\",\"iss\":\"https://other.test\"}",
     false},
    {"{\"active\":true,\"email\":\"ann@d.test\",\"aud\":\"mail\",\"exp\":1800000000}", false},
    {"{\"active\":true,\"email\":\"ann@d.test\"}", false},
    {"{\"active\":true,\"aud\":\"mail\"}", false},
    {"{\"active\":\"true\",\"email\":\"ann@d.test\",\"aud\":\"mail\"}", false},
    {"{\"active\":false,\"active\":true,\"email\":\"ann@d.test\",\"aud\":\"mail\"}", false},
    {"{\"active\":false}", false},
    {"", false},
};

START_TEST(answers_of_introspection)
{
    struct strbuf value = strbuf_new(JWT_CLAIM_MAX);
    const char *why;

    ck_assert_int_eq(jwt_check_introspection(slice_of(answers[_i].answer), &rules, &value, &why) ==
                         JWT_GOOD,
                     answers[_i].good);
    strbuf_free(&value);
}
END_TEST

START_TEST(places)
{
    static const char *const refused[] = {
        "",      "https://",  "https://a",     "http://a/", "https://a:0/",     "https://a:x/",
        "file:", "file:../x", "https://a/b c", "file:a/b",  "https://u@a.test/"};
    struct oauth_place place;

    ck_assert_int_eq(oauth_place_parse(SLICE("https://a.test:8443/b/c?d=e"), &place), 0);
    ck_assert(slice_eq(place.host, SLICE("a.test")) && place.port == 8443 && !place.is_file);
    ck_assert(slice_eq(place.path, SLICE("/b/c?d=e")));
    ck_assert_int_eq(oauth_place_parse(SLICE("file:my-keys"), &place), 0);
    ck_assert(place.is_file && slice_eq(place.host, SLICE("my-keys")));
    for (size_t i = 0; i < ARRAY_LEN(refused); i++)
        ck_assert_msg(oauth_place_parse(slice_of(refused[i]), &place) < 0, "%s", refused[i]);
}
END_TEST

int
main(void)
{
    Suite *s = suite_create("jwt");
    TCase *tc = tcase_create("jwt");
    SRunner *sr;
    int failed;

    tcase_add_loop_test(tc, tokens_are_judged, 0, (int)ARRAY_LEN(tokens));
    tcase_add_test(tc, damaged_keys_are_no_keys);
    tcase_add_loop_test(tc, answers_of_introspection, 0, (int)ARRAY_LEN(answers));
    tcase_add_test(tc, places);
    suite_add_tcase(s, tc);
    sr = srunner_create(s);
    srunner_run_all(sr, CK_ENV);
    failed = srunner_ntests_failed(sr);
    srunner_free(sr);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
