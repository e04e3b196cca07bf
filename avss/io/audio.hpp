// Audio files: audio_reader, probe_audio, read_audio; audio_writer, write_audio.
#pragma once

#include <avss/io/audio_reader.hpp>
#include <avss/io/audio_writer.hpp>
