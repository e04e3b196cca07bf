#include "tools/models/device_criterion.inl"
