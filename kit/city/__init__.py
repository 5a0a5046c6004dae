"""Port Nemo: an invented city, its people and their days, and the three leaks that its sensors fill.

Truth is known here and nowhere else: who was where, and what each sensor missed, confused or stamped wrongly.
"""

from kit import kernels

kernels.forget_stale(__file__)  # its kernels call each other across modules
