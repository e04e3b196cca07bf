"""The two of bazel-skylib's common_settings that this project uses."""

BuildSettingInfo = provider(fields = ["value"])

def _impl(ctx):
    return BuildSettingInfo(value = ctx.build_setting_value)

bool_flag = rule(implementation = _impl, build_setting = config.bool(flag = True))
string_list_flag = rule(implementation = _impl, build_setting = config.string_list(flag = True))
