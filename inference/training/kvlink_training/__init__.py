# SPDX-License-Identifier: Apache-2.0
"""Trains link adapters: header and link embeddings and LoRA on a frozen decoder."""
