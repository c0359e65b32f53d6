/* See settings.h: reads the file.
 *
 * libconfuse reads every option as text (or a list of texts). A value is checked
 * while its line is being read, so that an error can name it.
 */
#include "config.h"

#include "daemon/settings_private.h"

#include "base/mem.h"
#include "daemon/ledger/policy.h"
#include "daemon/policy_section.h"

#include <confuse.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* libconfuse's callbacks carry no argument of the caller's; loading is the
 * main thread's alone, so one pointer each will do. */
static struct settings *loading;
static struct error *loading_error;
static struct policy_line loading_line; /* the policy section that is being read */

static void on_error(cfg_t *cfg, const char *format, va_list ap)
{
    char text[300];

    if (loading_error->code)
        return; /* the first one is the cause */
    vsnprintf(text, sizeof(text), format, ap);
    (void)error_set(loading_error, ERROR_INPUT, "%s:%d: %s", cfg->filename, cfg->line, text);
}

/* A list in the file takes the place of the default, an empty one too; of that
 * libconfuse tells nobody while it reads. */
static void forget_default_networks(cfg_t *cfg)
{
    const struct option *option;

    for (size_t i = 0; (option = settings_option(i)); i++)
        if (option->type == TYPE_NETWORKS && cfg_getopt(cfg, option->name)->flags & CFGF_MODIFIED &&
            !cfg_size(cfg, option->name))
            loading->trusted_networks_count = 0;
}

static int on_value(cfg_t *cfg, cfg_opt_t *opt)
{
    const struct option *option;
    struct error error;
    size_t i = 0;

    while ((option = settings_option(i)) && strcmp(option->name, opt->name))
        i++;
    if (option->type == TYPE_NETWORKS)
        loading->trusted_networks_count = 0;
    for (unsigned n = 0; n < cfg_opt_size(opt); n++)
        if (settings_set(loading, option, cfg_opt_getnstr(opt, n), &error)) {
            cfg_error(cfg, "%s", error.text);
            return -1;
        }
    return 0;
}

static int on_policy_value(cfg_t *cfg, cfg_opt_t *opt)
{
    struct error error;

    if (!*loading_line.where)
        snprintf(loading_line.where, sizeof(loading_line.where), "%.250s:%d", cfg->filename, cfg->line);
    if (!policy_section_set(&loading_line, opt->name, cfg_opt_getstr(opt), &error))
        return 0;
    cfg_error(cfg, "%s", error.text);
    return -1;
}

/* A section is complete. It is taken away: libconfuse would put the next of
 * the same title in its place. */
static int on_policy(cfg_t *cfg, cfg_opt_t *opt)
{
    const char *title = cfg_title(cfg_opt_getnsec(opt, 0));
    struct error error;
    int failed;

    if (!*loading_line.where)
        snprintf(loading_line.where, sizeof(loading_line.where), "%.250s:%d", cfg->filename, cfg->line);
    snprintf(loading_line.name, sizeof(loading_line.name), "%s", title);
    if ((failed = policy_add(loading->policy, &loading_line, &error)) && !loading_error->code)
        (void)error_set(loading_error, ERROR_INPUT, "%s: %s", loading_line.where, error.text);
    policy_section_begin(&loading_line);
    cfg_opt_rmnsec(opt, 0);
    return failed;
}

static cfg_opt_t *policy_options(void)
{
    static cfg_opt_t opts[POLICY_FIELDS_MAX];
    size_t count = 0;

    for (; policy_section_field(count); count++)
        opts[count] = (cfg_opt_t)CFG_STR(policy_section_field(count), NULL, CFGF_NODEFAULT);
    opts[count] = (cfg_opt_t)CFG_END();
    return opts;
}

static void watch_policy(cfg_t *cfg)
{
    char name[40];

    policy_section_begin(&loading_line);
    cfg_set_validate_func(cfg, "policy", on_policy);
    for (size_t i = 0; policy_section_field(i); i++) {
        snprintf(name, sizeof(name), "policy|%s", policy_section_field(i));
        cfg_set_validate_func(cfg, name, on_policy_value);
    }
}

static cfg_t *make_parser(void)
{
    const struct option *option;
    cfg_opt_t *opts = NULL;
    size_t count = 0;
    cfg_t *cfg;

    for (; (option = settings_option(count)); count++) {
        cfg_opt_t text = CFG_STR(option->name, NULL, CFGF_NODEFAULT);
        cfg_opt_t list = CFG_STR_LIST(option->name, NULL, CFGF_NODEFAULT);

        opts = xrealloc(opts, (count + 3) * sizeof(*opts)); /* two more come behind the last */
        opts[count] = option->type == TYPE_NETWORKS ? list : text;
    }
    opts[count] = (cfg_opt_t)CFG_SEC("policy", policy_options(), CFGF_MULTI | CFGF_TITLE);
    opts[count + 1] = (cfg_opt_t)CFG_END();
    if (!(cfg = cfg_init(opts, CFGF_NONE)))
        abort();
    free(opts); /* it has a copy */
    cfg_set_error_function(cfg, on_error);
    for (size_t i = 0; i < count; i++)
        cfg_set_validate_func(cfg, settings_option(i)->name, on_value);
    watch_policy(cfg);
    return cfg;
}

struct settings *settings_load(const char *file, struct error *error)
{
    cfg_t *cfg = make_parser();
    int parsed;

    error->code = ERROR_NONE;
    loading = settings_defaults();
    loading_error = error;
    parsed = cfg_parse(cfg, file);
    forget_default_networks(cfg);
    if (parsed == CFG_FILE_ERROR)
        (void)error_set(error, ERROR_ENVIRONMENT, "%s: %s", file, strerror(errno));
    else if (parsed != CFG_SUCCESS && !error->code)
        (void)error_set(error, ERROR_INPUT, "%s: cannot be read", file);
    cfg_free(cfg);
    if (parsed != CFG_SUCCESS)
        settings_unref(&loading);
    else
        settings_fill_policy(loading);
    return loading;
}
