"""Asking over a real socket: options, answers, retries, errors."""
