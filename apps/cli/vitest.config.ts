import { defineProject, mergeConfig } from 'vitest/config';
import { sharedByApps } from '../../vitest.shared.ts';

export default mergeConfig(sharedByApps, defineProject({ test: { name: 'cli' } }));
